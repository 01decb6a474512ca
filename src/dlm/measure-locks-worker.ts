/**
 * Worker thread of `measureLocksFromJavaScript`: one node.
 */
import { parentPort, workerData } from "node:worker_threads";
import { loadAddon } from "./addon.js";
import { joinEmbeddedLockspace } from "./embedded-lockspace.js";
import { LOCK_MODES, type LockMode } from "./lock-mode.js";
import type { ConvertOptions, LockHandle } from "./lockspace.js";
import type { LockOperation } from "./measure-locks.js";
import type {
  JavaScriptLockSeries,
  MeasuredByWorker,
  MeasuringWorkerData,
} from "./measure-locks-from-javascript.js";
import { Stage } from "./measure-locks-stage.js";

const CLOCK_READINGS = 10_000;
const RESOURCE = "token";

const data: MeasuringWorkerData = workerData;
// As native threads are: nodes that share a core by chance would hand over without waking another.
loadAddon().keepThreadOnCore(data.node - 1);
const stage = new Stage(data.stage);
const lockspace = joinEmbeddedLockspace(data);
const options: ConvertOptions = data.valueBlock ? { lvb: new Uint8Array(lockspace.lvbBytes) } : {};
const now = process.hrtime.bigint;

class Samples {
  readonly #values: number[] = [];

  constructor(
    private readonly operation: LockOperation,
    private readonly from: LockMode | null,
    private readonly to: LockMode | null,
  ) {}

  add(startedAt: bigint): void {
    this.#values.push(Number(now() - startedAt));
  }

  get series(): JavaScriptLockSeries {
    const { operation, from, to } = this;
    return { operation, from, to, latenciesNs: Float64Array.from(this.#values) };
  }
}

/** Waits as configured for the operation that `promise` stands for. */
async function completed(lock: LockHandle, promise: Promise<unknown>): Promise<void> {
  if (data.waiting === "promise") await promise;
  else lock.waitSync();
}

async function requested(mode: LockMode): Promise<LockHandle> {
  const { lock, completion } = lockspace.request(RESOURCE, mode, options);
  await completed(lock, completion);
  return lock;
}

/** Every operation in a circle, nobody in the way. */
async function uncontended(untilMs: number): Promise<JavaScriptLockSeries[]> {
  const requests = new Map(LOCK_MODES.map((mode) => [mode, new Samples("request", null, mode)]));
  const unlocks = new Map(LOCK_MODES.map((mode) => [mode, new Samples("unlock", mode, null)]));
  const converts = LOCK_MODES.flatMap((from) =>
    LOCK_MODES.map((to) => ({ from, to, samples: new Samples("convert", from, to) })),
  );
  const sync = data.waiting === "sync";
  for (let circle = 0; circle < data.samples && performance.now() < untilMs; circle++) {
    for (const mode of LOCK_MODES) {
      let startedAt = now();
      const { lock, completion } = lockspace.request(RESOURCE, mode, options);
      if (sync) lock.waitSync();
      else await completion;
      requests.get(mode)?.add(startedAt);
      startedAt = now();
      const unlocked = lock.unlock(options);
      if (sync) lock.waitSync();
      else await unlocked;
      unlocks.get(mode)?.add(startedAt);
    }
    const lock = await requested("NL");
    for (const { from, to, samples } of converts) {
      await completed(lock, lock.convert(from, options));
      const startedAt = now();
      const converted = lock.convert(to, options);
      if (sync) lock.waitSync();
      else await converted;
      samples.add(startedAt);
    }
    await completed(lock, lock.unlock());
  }
  const all = [...requests.values(), ...unlocks.values(), ...converts.map((one) => one.samples)];
  return all.map((samples) => samples.series);
}

/** EX going round; each node stands in line again before it lets go. */
async function handOver(untilMs: number): Promise<JavaScriptLockSeries[]> {
  const handOvers = new Samples("handOver", "NL", "EX");
  const releases = new Samples("release", "EX", "NL");
  let held = await requested("NL");
  let next = await requested("NL");
  // A new request, even of NL, waits behind conversions that wait.
  stage.meet(2, data.nodes);
  let granted = held.convert("EX", options);
  stage.meet(3, data.nodes);
  for (;;) {
    if (data.waiting === "sync") held.waitSync();
    else await granted;
    const givenAt = stage.givenAt;
    const number = stage.countHandOver();
    if (number > 0) handOvers.add(givenAt);
    const last = number >= data.samples || performance.now() >= untilMs;
    // Whoever ends keeps its place in line free; the others see the same in their turn.
    if (!last) granted = next.convert("EX", options);
    const startedAt = now();
    stage.givenAt = startedAt;
    const released = held.convert("NL", options);
    releases.add(startedAt);
    await completed(held, released);
    if (last) break;
    [held, next] = [next, held];
  }
  return [handOvers, releases].map((samples) => samples.series);
}

function clockNs(): number {
  for (let reading = 0; reading < CLOCK_READINGS; reading++) now();
  const start = now();
  for (let reading = 0; reading < CLOCK_READINGS; reading++) now();
  return Number(now() - start) / CLOCK_READINGS;
}

/** The floor: nodes 1 and 2 hand a turn to and fro with `Atomics`. */
function atomics(untilMs: number): Float64Array {
  const player = data.node === 1 ? 0 : 1;
  const values: number[] = [];
  if (player === 0) stage.giveTurn(0);
  for (let turn = 0; ; turn++) {
    stage.waitForTurn(player);
    // The first turn of all was given by nobody.
    if (turn > 0 || player === 1) values.push(Number(now() - stage.givenAt));
    if (stage.over) break;
    const last = turn >= data.samples / 2 || performance.now() >= untilMs;
    if (last) stage.end();
    stage.givenAt = now();
    stage.giveTurn(player === 0 ? 1 : 0);
    if (last) break;
  }
  return Float64Array.from(values);
}

const clock = clockNs();
// The floor is handed round while all others sleep.
stage.meet(1, data.nodes);
const floorMs = data.nodes === 1 ? 0 : data.timeMs / 4;
const measured: MeasuredByWorker = {
  clockNs: clock,
  atomicsNs: data.nodes > 1 && data.node <= 2 ? atomics(performance.now() + floorMs) : new Float64Array(),
  series: await (data.nodes === 1 ? uncontended : handOver)(performance.now() + data.timeMs - floorMs),
};
await lockspace.leave({ force: true });
parentPort?.postMessage(measured);
