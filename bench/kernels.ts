/** What is compared: each kernel of the hot path, what one run of it is, and the figures of spec/hot-path.md to hold it against. */

/** An earlier measured ratio, time of the peer over ours, as the range seen. */
export interface Figure {
  readonly range: readonly [low: number, high: number];
  /** Of hand-written or automatic AVX-512, which WASM does not have: shown, and not held against it. */
  readonly informative?: true;
}

export interface Kernel {
  readonly name: string;
  /** What one run does. */
  readonly title: string;
  /** Events, words or chunks of one run, by which its time is divided. */
  readonly items: number;
  /** Earlier figures by contestant, as spec/hot-path.md of the project states them. */
  readonly figures: Readonly<Partial<Record<ContestantName, Figure>>>;
}

export const CONTESTANTS = [
  "wasm",
  "plain",
  "tuned",
  "typedfastbitset",
  "fastbitset",
  "roaring-wasm",
  "gcc-scalar",
  "gcc-128",
  "gcc",
  "native-scalar",
  "native",
] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

function seen(low: number, high = low): Figure {
  return { range: [low, high] };
}

function seenOfAvx512(low: number, high = low): Figure {
  return { range: [low, high], informative: true };
}

/** The best bitset library was another one for ranges, which is no contestant here: its figure stands beside the next best. */
export const KERNELS: readonly Kernel[] = [
  {
    name: "set-bit",
    title: "set single random bits",
    items: 4096,
    figures: {
      plain: seen(2.9, 3.9),
      tuned: seen(1.5, 1.9),
      "gcc-scalar": seen(0.77, 1.01),
      typedfastbitset: seen(7.6),
    },
  },
  {
    name: "set-range",
    title: "set ranges of 1 to 64 chunks",
    items: 4096,
    figures: {
      plain: seen(23),
      tuned: seen(2.3, 2.6),
      "gcc-scalar": seen(0.91, 1.1),
      typedfastbitset: seen(5.5),
    },
  },
  {
    name: "writes-one",
    title: "start and end writes of one chunk",
    items: 4096,
    figures: { plain: seen(2.2, 2.5), tuned: seen(2.4, 2.6), "gcc-scalar": seen(0.82, 1.02) },
  },
  {
    name: "writes-many",
    title: "start and end writes of 1 to 64 chunks",
    items: 4096,
    figures: { plain: seen(4.3), tuned: seen(5), "gcc-scalar": seen(2.2), gcc: seenOfAvx512(0.24) },
  },
  {
    name: "merge-or",
    title: "OR of two bitmaps",
    items: 16384,
    figures: { plain: seen(5.5, 6.2), typedfastbitset: seen(8.2), gcc: seenOfAvx512(0.54, 0.63) },
  },
  {
    name: "popcount",
    title: "count set bits",
    items: 16384,
    figures: { plain: seen(12, 13), typedfastbitset: seen(14), gcc: seenOfAvx512(0.31, 0.36) },
  },
  {
    name: "scan-0.01",
    title: "find set bits, 0.01 % set",
    items: 16384,
    figures: { plain: seen(13.5), fastbitset: seen(13), "gcc-scalar": seen(0.7) },
  },
  {
    name: "scan-1",
    title: "find set bits, 1 % set",
    items: 16384,
    figures: { plain: seen(2.8, 3.9), fastbitset: seen(7.6), "gcc-scalar": seen(0.8) },
  },
  {
    // The others repeat one bitmap, whose every branch a processor learns; nobody resyncs the same bits a thousand times.
    name: "scan-1-large",
    title: "find set bits, 1 % set, of 8 MiB of bits",
    items: 1048576,
    figures: {},
  },
  {
    name: "scan-50",
    title: "find set bits, 50 % set",
    items: 16384,
    figures: { plain: seen(2.1), "gcc-scalar": seen(1.1) },
  },
  {
    name: "passes",
    title: "256 writes, then three daemon passes",
    items: 256,
    figures: { plain: seen(12, 13), gcc: seenOfAvx512(0.43, 0.58) },
  },
  {
    name: "offsets",
    title: "page numbers to byte offsets",
    items: 8192,
    figures: { plain: seen(6.1), "gcc-scalar": seen(3.2) },
  },
  {
    name: "pages-0.1",
    title: "list dirty pages, 0.1 % dirty",
    items: 8192,
    figures: { plain: seen(8.6), "gcc-scalar": seen(0.2) },
  },
  {
    name: "pages-5",
    title: "list dirty pages, 5 % dirty",
    items: 8192,
    figures: { plain: seen(21), "gcc-scalar": seen(0.5) },
  },
  {
    name: "pages-50",
    title: "list dirty pages, 50 % dirty",
    items: 8192,
    figures: { plain: seen(18), "gcc-scalar": seen(1) },
  },
  {
    name: "generate-uniform",
    title: "generate uniform writes",
    items: 4096,
    figures: { tuned: seen(9) },
  },
  {
    name: "generate-zipf",
    title: "generate zipf writes",
    items: 4096,
    figures: { tuned: seen(2) },
  },
];

/** One contestant's kernel, set up: `run` is what is timed, `digest` sums up the state that it leaves. */
export interface Run {
  run(): void;
  digest(): number;
}

export type Contestant = Readonly<Record<string, () => Run>>;
