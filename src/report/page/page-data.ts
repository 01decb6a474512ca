/** What the page's script needs, as the page carries it: the same charts as the pictures, and samples for another baseline. */

import type { Result } from "../../results/schema.js";
import type { ComparedRow } from "../charts/against-chart.js";
import type { ChartSpec } from "../charts/chart-spec.js";

export interface PageTable {
  /** Of the table's element. */
  readonly id: string;
  /** Of the columns that are compared, in order; the cell after each holds the ratio. */
  readonly compared: readonly { readonly cell: number; readonly direction: "lower" | "higher" }[];
  /** As in the table's body when the page opens. */
  readonly rows: readonly PageRow[];
}

/** Machine, variant (equal for rows that are compared), suite, and a list of samples a compared column. */
export type PageRow = readonly [
  machine: number,
  variant: number,
  suite: string,
  samples: readonly (readonly number[])[],
];

export interface PageData {
  readonly machines: readonly string[];
  readonly charts: readonly ChartSpec[];
  readonly compared: readonly ComparedRow[];
  readonly tables: readonly PageTable[];
  /** What was done, without figures, each once; and which of them a machine's suites have. */
  readonly work: readonly Result[];
  readonly workOf: readonly Readonly<Record<string, number>>[];
}

export const DATA_ID = "report-data";
export const UNLIKE_MARK = "†";
