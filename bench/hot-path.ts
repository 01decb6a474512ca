/**
 * The hot path's kernels against plain and tuned JavaScript, bitset libraries and native builds of the same kernels. First all
 * must give the same answers; then each is timed in processes of its own, contestants in turn, and a ratio is taken within
 * each round, so that what the machine does meanwhile meets both. About seven minutes; `--rounds`, `--milliseconds` and
 * `--only KERNEL` make it shorter.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CONTESTANTS, type ContestantName, type Figure, KERNELS, type Kernel } from "./kernels.js";
import { buildNative, type NativeBuild, nativeBuilds } from "./native-build.js";
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
  const [program, ...before] = isNative(contestant)
    ? [native[contestant]]
    : [process.execPath, MEASURE_ONE, contestant];
  const output = execFileSync(program, [...before, kernel.name, how], { encoding: "utf8" });
  return JSON.parse(output) as Record<string, number>;
}

function isNative(contestant: ContestantName): contestant is NativeBuild {
  return contestant in native;
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
  readonly earlierFigures: readonly FigureReached[];
}

/** What a figure of spec/hot-path.md says, and what came of it here. */
interface FigureReached {
  readonly contestant: ContestantName;
  readonly figure: readonly [low: number, high: number];
  /** Median of the ratio here. */
  readonly here: number;
  /** Of the figure's lower end. */
  readonly share: number;
  /** At least 0.9 of it; none where the figure is information only. */
  readonly reached?: boolean;
}

const WANTED_SHARE = 0.9;

function figureReached(contestant: ContestantName, figure: Figure, here: number): FigureReached {
  const share = here / figure.range[0];
  return {
    contestant,
    figure: figure.range,
    here,
    share,
    ...(figure.informative ? {} : { reached: share >= WANTED_SHARE }),
  };
}

function figuresReached(kernel: Kernel, ratio: Outcome["ratio"]): FigureReached[] {
  return CONTESTANTS.flatMap((name) => {
    const figure = kernel.figures[name];
    const here = ratio[name]?.median;
    return figure === undefined || here === undefined ? [] : [figureReached(name, figure, here)];
  });
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
  const ratio: Outcome["ratio"] = each((samples) =>
    samples.map((ns, round) => ns / (own[round] ?? Number.NaN)),
  );
  return {
    kernel: kernel.name,
    title: kernel.title,
    itemsPerRun: kernel.items,
    nsPerItem: each((samples) => samples.map((ns) => ns / kernel.items)),
    ratio,
    earlierFigures: figuresReached(kernel, ratio),
  };
}

function print(outcome: Outcome): void {
  console.log(`\n${outcome.title} (${outcome.kernel})`);
  for (const name of CONTESTANTS) {
    const ratio = outcome.ratio[name];
    const ns = outcome.nsPerItem[name];
    if (ratio === undefined || ns === undefined) continue;
    const earlier = outcome.earlierFigures.find(({ contestant }) => contestant === name);
    console.log(
      `  ${name.padEnd(16)}${ns.median.toFixed(3).padStart(10)} ns${ratio.median.toFixed(2).padStart(9)} [${ratio.q1.toFixed(2)}, ${ratio.q3.toFixed(2)}]${earlier === undefined ? "" : `   ${described(earlier)}`}`,
    );
  }
}

function described({ figure: [low, high], share, reached }: FigureReached): string {
  const figure = low === high ? `${low}` : `${low}-${high}`;
  const verdict = reached === undefined ? "information" : reached ? "reached" : `below ${WANTED_SHARE}`;
  return `earlier ${figure}: ${share.toFixed(2)} of it, ${verdict}`;
}

/** The last word: every figure that is not reached. */
function printMissed(outcomes: readonly Outcome[]): void {
  const held = outcomes.flatMap(({ earlierFigures, kernel }) =>
    earlierFigures.filter(({ reached }) => reached !== undefined).map((figure) => ({ kernel, figure })),
  );
  const missed = held.filter(({ figure }) => figure.reached === false);
  console.log(
    `\n${held.length - missed.length} of ${held.length} earlier figures reached (${WANTED_SHARE} of the lower end)`,
  );
  for (const { kernel, figure } of missed) {
    console.log(`  ${kernel} against ${figure.contestant}: ${figure.here.toFixed(2)}, ${described(figure)}`);
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
printMissed(outcomes);
if (options.only.length === 0 || options.out !== undefined) {
  const figures = {
    rounds,
    milliseconds: Number(options.milliseconds),
    builds: nativeBuilds(),
    kernels: outcomes,
  };
  console.log(`\n${writeBenchmarkResult("hot-path", figures, { path: options.out })}`);
}
