/**
 * Page writes by slotmark's writers against fio's engines: 4 KiB each, O_DIRECT with and without O_DSYNC (RWF_DSYNC), on a file and
 * on a loop device. The psync writer against fio's psync one at a time; the uring writer against fio's libaio and io_uring
 * (registered file, fixed buffers) at depths 1, 4 and 32. About twelve minutes; `--only` makes it shorter, more `--rounds` narrower.
 *
 * `--control` measures fio against itself instead, and says what the bounds can ask for on this machine.
 *
 * First every side must have written the expected bytes at the expected places and nowhere else. Then samples alternate, all
 * sides on the same offsets in the same order, and ratios are taken within each round.
 */
import { parseArgs } from "node:util";
import { PAGE_BYTES } from "../src/ondisk/slot-geometry.js";
import type { PageIo } from "../src/storage/page-writer.js";
import { type AgainstPeer, againstPeer, type PeerBounds } from "./against-peer.js";
import { type FioEngine, type FioRun, fioOffsets, fioOffsetsOf, fioVersion, runFio } from "./fio.js";
import { type Cost, interleave } from "./interleave.js";
import { fillWhole } from "./node/fill-whole.js";
import { placeOthers } from "./page-writes/placement.js";
import { runSlotmark } from "./page-writes/slotmark-job.js";
import type { SlotmarkOptions } from "./page-writes/slotmark-side.js";
import { assertWritten, makeTargets, TARGET_BYTES, type Target, type Targets } from "./page-writes/target.js";
import { writeBenchmarkResult } from "./write-result.js";

const BOUNDS: PeerBounds = { ratio: 1, lowerBound: 0.95, cpuRatio: 1 };
const CHECK_WRITES = 500;
const SLOTMARK_FILL = 0xa5;
const FIO_FILL = 0x5a;
const BEFORE = 0x11;

interface Contest {
  readonly io: PageIo;
  readonly depth: number;
  readonly engines: readonly FioEngine[];
}
const CONTESTS: readonly Contest[] = [
  { io: "psync", depth: 1, engines: ["psync"] },
  ...[1, 4, 32].map((depth) => ({ io: "uring", depth, engines: ["libaio", "io_uring"] }) as const),
];

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "24" },
    milliseconds: { type: "string", default: "250" },
    /** Contests whose description contains it, as "ext4 file, direct, uring, depth 32". */
    only: { type: "string", default: "" },
    /** fio against itself instead: how far such ratios stray where nothing differs. */
    control: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const rounds = Number(options.rounds);
const sampleSeconds = Number(options.milliseconds) / 1000;

/** Both sides' bytes, and the offsets that fio has really written. Returns the slowest side's writes a second. */
async function check(
  contest: Contest,
  slotmark: SlotmarkOptions,
  base: FioRun,
  { directory }: Targets,
): Promise<number> {
  const run = { ...base, writes: CHECK_WRITES, seed: 7 };
  const offsetsBytes = fioOffsets(run, directory);
  fillWhole(run.path, TARGET_BYTES, BEFORE);
  const rates = [(await runSlotmark(slotmark, offsetsBytes)).perSecond];
  assertWritten(run.path, offsetsBytes, PAGE_BYTES, {
    fill: SLOTMARK_FILL,
    before: BEFORE,
    who: `slotmark's ${contest.io} writer`,
  });
  for (const engine of contest.engines) {
    fillWhole(run.path, TARGET_BYTES, BEFORE);
    const written = fioOffsetsOf(engine, run, directory);
    if (written.some((offset, index) => offset !== offsetsBytes[index])) {
      throw new Error(`fio's ${engine} writes other offsets than its null engine from the same seed`);
    }
    assertWritten(run.path, offsetsBytes, PAGE_BYTES, {
      fill: FIO_FILL,
      before: BEFORE,
      who: `fio's ${engine}`,
    });
    rates.push(runFio(engine, run).perSecond);
  }
  return Math.min(...rates);
}

interface Row extends AgainstPeer {
  readonly target: string;
  readonly mode: string;
  readonly depth: number;
  readonly writesPerSample: number;
  readonly writer: PageIo | "fio";
  readonly engine: FioEngine;
  readonly samples: readonly {
    readonly slotmarkPerSecond: number;
    readonly peerPerSecond: number;
    readonly slotmarkCpuNs: number;
    readonly peerCpuNs: number;
  }[];
}

/** The first side of each round against another. */
function againstSide(rounds: readonly (readonly Cost[])[], side: number) {
  const ours = rounds.flatMap(([cost]) => cost ?? []);
  const theirs = rounds.flatMap((costs) => costs[side] ?? []);
  return {
    ...againstPeer(ours, theirs, BOUNDS),
    samples: ours.map((cost, round) => ({
      slotmarkPerSecond: Math.round(cost.perSecond),
      peerPerSecond: Math.round(theirs[round]?.perSecond ?? Number.NaN),
      slotmarkCpuNs: Math.round(cost.cpuNsEach),
      peerCpuNs: Math.round(theirs[round]?.cpuNsEach ?? Number.NaN),
    })),
  };
}

async function measure(target: Target, dsync: boolean, contest: Contest, targets: Targets): Promise<Row[]> {
  const { io, depth, engines } = contest;
  const { path, name } = target;
  const job = { path, depth, dsync, fill: FIO_FILL, sizeBytes: TARGET_BYTES, writeBytes: PAGE_BYTES };
  const slotmark: SlotmarkOptions = { io, path, depth, dsync, fill: SLOTMARK_FILL };
  const placement = placeOthers(target.isLoop);
  const processors = placement?.processors ?? null;
  const fioPlacement = processors === null ? [] : [`--cpus_allowed=${processors}`];
  try {
    const slowest = await check(contest, slotmark, { ...job, writes: 0, seed: 0 }, targets);
    const writes = Math.max(200, Math.round(slowest * sampleSeconds));
    const fioRun = (round: number) => ({ ...job, writes, seed: 1000 + round });
    const offsets = Array.from({ length: rounds }, (_, round) =>
      fioOffsets(fioRun(round), targets.directory),
    );
    const write = (round: number) => runSlotmark(slotmark, offsets[round] ?? new Float64Array(), processors);
    const sides = engines.map((engine) => (round: number) => runFio(engine, fioRun(round), ...fioPlacement));
    const common = { target: name, mode: modeName(dsync), depth, writesPerSample: writes };
    if (options.control) {
      const rows: Row[] = [];
      for (const [index, side] of sides.entries()) {
        const engine = engines[index] ?? "psync";
        const samples = await interleave(rounds, [side, side]);
        rows.push({ ...common, writer: "fio", engine, ...againstSide(samples, 1) });
      }
      return rows;
    }
    const samples = await interleave(rounds, [write, ...sides]);
    return engines.map((engine, index): Row => {
      return { ...common, writer: io, engine, ...againstSide(samples, index + 1) };
    });
  } finally {
    placement?.giveBack();
  }
}

// However often it comes (npm hands on what a terminal has sent to all of its processes): what is to be given back takes a while.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

function modeName(dsync: boolean): string {
  return dsync ? "direct+dsync" : "direct";
}

const HEADER = [
  "target".padEnd(12),
  "mode".padEnd(13),
  "depth".padStart(5),
  "writer/fio".padEnd(15),
  "writes/s".padStart(9),
  "fio".padStart(9),
  "ratio [quartiles]     ",
  "bound",
  "CPU us fio's ratio",
  "verdict",
].join("  ");

function line(row: Row): string {
  const { ratio, slotmark, peer, cpuRatio } = row;
  const micros = (ns: number) => (ns / 1000).toFixed(1).padStart(4);
  return [
    row.target.padEnd(12),
    row.mode.padEnd(13),
    String(row.depth).padStart(5),
    `${row.writer}/${row.engine}`.padEnd(15),
    String(Math.round(slotmark.perSecond.median)).padStart(9),
    String(Math.round(peer.perSecond.median)).padStart(9),
    `${ratio.median.toFixed(3)} [${ratio.q1.toFixed(3)}, ${ratio.q3.toFixed(3)}]`.padEnd(22),
    row.lowerBound.toFixed(3),
    `${micros(slotmark.cpuNsEach.median)}   ${micros(peer.cpuNsEach.median)}   ${cpuRatio.median.toFixed(2)} `,
    row.missed.length === 0 ? "reached" : `missed: ${row.missed.join(", ")}`,
  ].join("  ");
}

async function main(): Promise<void> {
  const peer = fioVersion();
  const targets = makeTargets();
  try {
    console.log(
      `Writes of ${PAGE_BYTES} bytes at random offsets, ${options.control ? "fio" : "slotmark"} against ${peer} on the same offsets in turn, ${rounds} rounds of ${options.milliseconds} ms.`,
    );
    console.log(
      "Ratio: the first one's writes a second by fio's, median and quartiles; bound: lower end of the median's 95 % interval.",
    );
    console.log(HEADER);
    const rows: Row[] = [];
    for (const target of targets.targets) {
      for (const dsync of [false, true]) {
        for (const contest of CONTESTS) {
          const described = `${target.name}, ${modeName(dsync)}, ${contest.io}, depth ${contest.depth}`;
          if (!described.includes(options.only)) continue;
          for (const row of await measure(target, dsync, contest, targets)) {
            rows.push(row);
            console.log(line(row));
          }
        }
      }
    }
    for (const text of targets.skipped) console.log(`skipped: ${text}`);
    const missed = rows.filter((row) => row.missed.length > 0).length;
    console.log(`${rows.length - missed} of ${rows.length} reached`);
    const whole = options.only === "" && targets.skipped.length === 0 && !options.control;
    if (!whole && options.out === undefined) {
      console.log("no whole comparison: no result written");
      return;
    }
    const figures = { peer, bounds: BOUNDS, rounds, writeBytes: PAGE_BYTES, targetBytes: TARGET_BYTES };
    const environmentOf = targets.targets.map(({ path }) => path);
    const cases = { ...figures, cases: rows, skipped: targets.skipped };
    console.log(writeBenchmarkResult("page-writes", cases, { path: options.out, environmentOf }));
  } finally {
    targets.remove();
  }
}

await main();
