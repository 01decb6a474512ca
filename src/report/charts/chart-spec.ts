/**
 * A chart as data: what a picture and a page draw alike. Only plain values, so that it can be embedded as JSON; functions come
 * from uplot-options.ts, which reads it.
 */

export type AxisScale =
  | "linear"
  | "log"
  /** Node counts: equal steps for doublings, ticks at the counts themselves. */
  | "log2"
  /** Percentiles spread by 1 ÷ (1 − p): 90, 99, 99.9, 99.99 at equal distances. */
  | "percentile"
  /** One row a category of `rows`, from the top. */
  | "rows";

export interface ChartAxis {
  readonly label: string;
  /** A metric's unit (ns, bytes, percent, writes/s), or nodes, percentile, seconds, category. */
  readonly unit: string;
  readonly scale: AxisScale;
  /** Categories of `rows`; ticks of `log2`. */
  readonly rows?: readonly string[];
  readonly ticks?: readonly number[];
}

/** x, y, and the interval's ends where there is one. */
export type ChartPoint = readonly [x: number, y: number, low?: number, high?: number];

/** A ratio with its interval: row, ratio, low, high. */
export type ChartWhisker = readonly [row: number, ratio: number, low: number, high: number];

/** On a timeline: row, beginning, end. */
export type ChartBar = readonly [row: number, from: number, to: number];

export interface ChartSeries {
  readonly name: string;
  /** Index among the report's machines, where it belongs to one. */
  readonly machine?: number;
  /** Indices into the palette, the line styles and the markers; no marker: null. */
  readonly colour: number;
  readonly dash: number;
  readonly marker: number | null;
  readonly points: readonly ChartPoint[];
  /** The points are joined as they come; else they ascend in x. */
  readonly inOrder?: boolean;
  /** What each point is beside its place, for reading: the chunk of a sweep. */
  readonly notes?: readonly string[];
  /** Index of the point where the curve bends most. */
  readonly knee?: number;
  /** The point that is advised, and what is said beside it. */
  readonly chosen?: { readonly index: number; readonly text: string };
  readonly bars?: readonly ChartBar[];
  readonly whiskers?: readonly ChartWhisker[];
  /** Of a run's trials: each point lasts so long in x. */
  readonly spans?: readonly number[];
}

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  /** What it holds for. */
  readonly conditions: string;
  /** How to read it: text beside the picture and for who does not see it. */
  readonly reading: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly series: readonly ChartSeries[];
}
