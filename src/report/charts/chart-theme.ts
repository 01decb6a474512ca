/**
 * Colours, line styles and markers. The palette is Okabe and Ito's, told apart with every kind of colour blindness; what a colour
 * says, a line style or a marker says again. Runs in the page as well.
 */

export interface ChartTheme {
  readonly background: string;
  readonly text: string;
  readonly grid: string;
  /** Of axes and of what is drawn beside the data. */
  readonly faint: string;
  readonly colours: readonly string[];
  readonly fontFamily: string;
}

const COLOURS_ON_LIGHT = [
  "#0072b2",
  "#d55e00",
  "#00795a",
  "#a3467f",
  "#8a6d00",
  "#2f7fb5",
  "#000000",
  "#7a3b10",
];
const COLOURS_ON_DARK = [
  "#56b4e9",
  "#e69f00",
  "#19c39c",
  "#e58fc0",
  "#f0e442",
  "#8fd0ff",
  "#f2f2f2",
  "#ff8a4c",
];

export function chartTheme(dark: boolean, fontFamily: string): ChartTheme {
  return dark
    ? {
        background: "#14181d",
        text: "#e6e9ec",
        grid: "#2b323a",
        faint: "#77828e",
        colours: COLOURS_ON_DARK,
        fontFamily,
      }
    : {
        background: "#ffffff",
        text: "#1b1f24",
        grid: "#e4e8ec",
        faint: "#8a939d",
        colours: COLOURS_ON_LIGHT,
        fontFamily,
      };
}

/** Lengths of dashes and gaps in CSS pixels. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 5]];

export const MARKERS = ["disc", "square", "triangle", "diamond", "cross", "ring", "down", "plus"] as const;
export type Marker = (typeof MARKERS)[number];

export function pick<Value>(list: readonly Value[], index: number): Value {
  const found = list[index % list.length];
  if (found === undefined) throw new Error("an empty list of styles");
  return found;
}
