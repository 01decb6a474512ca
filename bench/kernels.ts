/** What is compared: each kernel of the hot path, what one run of it is, and the figures of spec/hot-path.md to hold it against. */

export interface Kernel {
  readonly name: string;
  /** What one run does. */
  readonly title: string;
  /** Events, words or chunks of one run, by which its time is divided. */
  readonly items: number;
  /** Earlier measured ratios (above 1: WASM is faster) by contestant, as `docs` of the project state them. */
  readonly figures: Readonly<Partial<Record<ContestantName, string>>>;
}

export const CONTESTANTS = [
  "wasm",
  "plain",
  "tuned",
  "typedfastbitset",
  "fastbitset",
  "roaring-wasm",
  "native-scalar",
  "native",
] as const;
export type ContestantName = (typeof CONTESTANTS)[number];

export const KERNELS: readonly Kernel[] = [
  {
    name: "set-bit",
    title: "set single random bits",
    items: 4096,
    figures: { plain: "2.9-3.9", tuned: "1.5-1.9", "native-scalar": "0.77-1.01", typedfastbitset: "7.6" },
  },
  {
    name: "set-range",
    title: "set ranges of 1 to 64 chunks",
    items: 4096,
    figures: { plain: "23", tuned: "2.3-2.6", "native-scalar": "0.91-1.10" },
  },
  {
    name: "writes-one",
    title: "start and end writes of one chunk",
    items: 4096,
    figures: { plain: "2.2-2.5", tuned: "2.4-2.6", "native-scalar": "0.82-1.02" },
  },
  {
    name: "writes-many",
    title: "start and end writes of 1 to 64 chunks",
    items: 4096,
    figures: { plain: "4.3", tuned: "5.0", "native-scalar": "2.2", native: "0.24" },
  },
  {
    name: "merge-or",
    title: "OR of two bitmaps",
    items: 16384,
    figures: { plain: "5.5-6.2", typedfastbitset: "8.2", native: "0.54-0.63" },
  },
  {
    name: "popcount",
    title: "count set bits",
    items: 16384,
    figures: { plain: "12-13", typedfastbitset: "14", native: "0.31-0.36" },
  },
  {
    name: "scan-0.01",
    title: "find set bits, 0.01 % set",
    items: 16384,
    figures: { plain: "13.5", fastbitset: "13", "native-scalar": "0.7" },
  },
  {
    name: "scan-1",
    title: "find set bits, 1 % set",
    items: 16384,
    figures: { plain: "2.8-3.9", fastbitset: "7.6", "native-scalar": "0.8" },
  },
  {
    name: "scan-50",
    title: "find set bits, 50 % set",
    items: 16384,
    figures: { plain: "2.1", "native-scalar": "1.1" },
  },
  {
    name: "passes",
    title: "256 writes, then three daemon passes",
    items: 256,
    figures: { plain: "12-13", native: "0.43-0.58" },
  },
  {
    name: "offsets",
    title: "page numbers to byte offsets",
    items: 8192,
    figures: { plain: "6.1", "native-scalar": "3.2" },
  },
  {
    name: "pages-0.1",
    title: "list dirty pages, 0.1 % dirty",
    items: 8192,
    figures: { plain: "8.6", "native-scalar": "0.2" },
  },
  {
    name: "pages-5",
    title: "list dirty pages, 5 % dirty",
    items: 8192,
    figures: { plain: "21", "native-scalar": "0.5" },
  },
  {
    name: "pages-50",
    title: "list dirty pages, 50 % dirty",
    items: 8192,
    figures: { plain: "18", "native-scalar": "1.0" },
  },
  { name: "generate-uniform", title: "generate uniform writes", items: 4096, figures: { tuned: "9" } },
  { name: "generate-zipf", title: "generate zipf writes", items: 4096, figures: { tuned: "2" } },
];

/** One contestant's kernel, set up: `run` is what is timed, `digest` sums up the state that it leaves. */
export interface Run {
  run(): void;
  digest(): number;
}

export type Contestant = Readonly<Record<string, () => Run>>;
