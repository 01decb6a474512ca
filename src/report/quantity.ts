/** Figures as people read them: a unit of a fitting size, three significant digits, never an exponent. */

/** Larger units of a metric's unit, by their size in it, ascending. */
const LARGER_UNITS: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  ns: [
    ["ns", 1],
    ["µs", 1e3],
    ["ms", 1e6],
    ["s", 1e9],
  ],
  bytes: [
    ["bytes", 1],
    ["KiB", 2 ** 10],
    ["MiB", 2 ** 20],
    ["GiB", 2 ** 30],
    ["TiB", 2 ** 40],
  ],
};

export interface Scale {
  readonly unit: string;
  /** How many of the metric's own unit one of `unit` is. */
  readonly size: number;
}

/** The largest unit in which `figure` is at least 1. */
export function scaleFor(unit: string, figure: number): Scale {
  const choices = LARGER_UNITS[unit];
  const [name, size] = choices?.findLast(([, one]) => Math.abs(figure) >= one) ?? choices?.[0] ?? [unit, 1];
  return { unit: unit === "percent" ? "%" : name, size };
}

/** How many decimals show three significant digits of `figure`. */
export function decimalsFor(figure: number): number {
  if (figure === 0) return 0;
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figure)))));
}

/** With thousands apart: `12 345`. */
export function formatFigure(figure: number, decimals = decimalsFor(figure)): string {
  const text = Math.abs(figure).toFixed(decimals);
  const [whole = "", fraction] = text.split(".");
  const sign = figure < 0 && Number(text) !== 0 ? "−" : "";
  const grouped = whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return sign + grouped + (fraction === undefined ? "" : `.${fraction}`);
}

/** `+3.10 %`. */
export function signedPercent(percent: number): string {
  return `${percent > 0 ? "+" : ""}${formatFigure(percent)} %`;
}
