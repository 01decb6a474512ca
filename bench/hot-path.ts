/**
 * The hot path's kernels against plain and tuned JavaScript, bitset libraries and native builds of the same kernels. First all
 * must give the same answers; then each is timed in processes of its own, contestants in turn, and a ratio is taken within
 * each round, so that what the machine does meanwhile meets both. About seven minutes; `--rounds`, `--milliseconds` and
 * `--only KERNEL` make it shorter.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CONTESTANTS, type ContestantName, KERNELS, type Kernel } from "./kernels.js";
import { buildNative } from "./native-build.js";
import { type Quartiles, quartiles } from "./quartiles.js";
import { writeBenchmarkResult } from "./write-result.js";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    milliseconds: { type: "string", default: "150" },
    only: { type: "string", multiple: true, default: [] },
    out: { type: "string" },
  },
});
const rounds = Number(options.rounds);

const native = buildNative();
const MEASURE_ONE = fileURLToPath(new URL("./measure-one.js", import.meta.url));

/** Runs one contestant's one kernel in a fresh process; undefined where it has none. */
function measure(contestant: ContestantName, kernel: Kernel, how: string): Record<string, number> {
  const [program, ...before] =
    contestant === "native" || contestant === "native-scalar"
      ? [native[contestant]]
      : [process.execPath, MEASURE_ONE, contestant];
  const output = execFileSync(program, [...before, kernel.name, how], { encoding: "utf8" });
  return JSON.parse(output) as Record<string, number>;
}

/** Contestants that have the kernel, after all were seen to agree. */
function agreeing(kernel: Kernel): ContestantName[] {
  const digests = CONTESTANTS.map((name) => [name, measure(name, kernel, "check").digest] as const);
  const expected = digests[0]?.[1];
  for (const [name, digest] of digests) {
    if (digest !== undefined && digest !== expected) {
      throw new Error(`${kernel.name}: ${name} does not give the answer of ${CONTESTANTS[0]}`);
    }
  }
  return digests.filter(([, digest]) => digest !== undefined).map(([name]) => name);
}

interface Outcome {
  readonly kernel: string;
  readonly title: string;
  readonly itemsPerRun: number;
  readonly nsPerItem: Partial<Record<ContestantName, Quartiles>>;
  /** Time of the contestant over the hot path's: above 1 the hot path is faster. */
  readonly ratio: Partial<Record<ContestantName, Quartiles>>;
  readonly earlierFigures: Kernel["figures"];
}

function compare(kernel: Kernel): Outcome {
  const contestants = agreeing(kernel);
  const times = new Map<ContestantName, number[]>(contestants.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const turn = round % contestants.length;
    for (const name of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
      times.get(name)?.push(measure(name, kernel, options.milliseconds).p50Ns ?? Number.NaN);
    }
  }
  const own = times.get("wasm") ?? [];
  const each = (figure: (samples: number[]) => number[]) =>
    Object.fromEntries([...times].map(([name, samples]) => [name, quartiles(figure(samples))]));
  return {
    kernel: kernel.name,
    title: kernel.title,
    itemsPerRun: kernel.items,
    nsPerItem: each((samples) => samples.map((ns) => ns / kernel.items)),
    ratio: each((samples) => samples.map((ns, round) => ns / (own[round] ?? Number.NaN))),
    earlierFigures: kernel.figures,
  };
}

function print(outcome: Outcome): void {
  console.log(`\n${outcome.title} (${outcome.kernel})`);
  for (const name of CONTESTANTS) {
    const ratio = outcome.ratio[name];
    const ns = outcome.nsPerItem[name];
    if (ratio === undefined || ns === undefined) continue;
    const figures = outcome.earlierFigures[name];
    console.log(
      `  ${name.padEnd(16)}${ns.median.toFixed(3).padStart(10)} ns${ratio.median.toFixed(2).padStart(9)} [${ratio.q1.toFixed(2)}, ${ratio.q3.toFixed(2)}]${figures === undefined ? "" : `   earlier ${figures}`}`,
    );
  }
}

console.log(
  `nanoseconds an item; ratio = time of the contestant / time of wasm, median [quartiles] of ${rounds}`,
);
const kernels = KERNELS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
const outcomes = kernels.map((kernel) => {
  const outcome = compare(kernel);
  print(outcome);
  return outcome;
});
if (options.only.length === 0 || options.out !== undefined) {
  const figures = { rounds, milliseconds: Number(options.milliseconds), kernels: outcomes };
  console.log(`\n${writeBenchmarkResult("hot-path", figures, options.out)}`);
}
