/**
 * Where a value stands on an axis, and which values are written beside it. Positions are linear; logarithms and percentiles
 * are taken here, once for pictures and page. Runs in the page as well.
 */
import { formatSize } from "../../scenario/quantities.js";
import { formatFigure, scaleFor } from "../quantity.js";
import type { ChartAxis, ChartSpec } from "./chart-spec.js";

/** As far as percentiles are shown. */
export const HIGHEST_PERCENTILE = 99.99;
const PERCENTILE_TICKS = [0, 50, 90, 99, 99.9, 99.99];

export interface AxisPlan {
  /** Of a value; what a logarithm cannot show stands at the axis's beginning. */
  readonly position: (value: number) => number;
  /** What stands at a position. */
  readonly value: (position: number) => number;
  readonly min: number;
  readonly max: number;
  /** Positions of ticks with their texts. */
  readonly ticks: readonly (readonly [position: number, text: string])[];
}

function valuesOn(spec: ChartSpec, axis: "x" | "y"): number[] {
  return spec.series.flatMap(({ points, bars = [], spans = [], whiskers = [] }) => {
    const ofPoints = points.flatMap(([x, y, low, high], index) =>
      axis === "x" ? [x, x + (spans[index] ?? 0)] : [y, low ?? y, high ?? y],
    );
    const ofBars = axis === "x" ? bars.flatMap(([, from, to]) => [from, to]) : bars.map(([row]) => row);
    // The baseline itself is always there.
    const ofWhiskers = axis === "x" ? whiskers.flatMap(([, ...ratios]) => [1, ...ratios]) : [];
    return [...ofPoints, ...ofBars, ...ofWhiskers];
  });
}

export function axisPlan(spec: ChartSpec, which: "x" | "y"): AxisPlan {
  const axis = spec[which];
  const values = valuesOn(spec, which).filter(Number.isFinite);
  switch (axis.scale) {
    case "log":
      return logPlan(axis, values);
    case "log2":
      return log2Plan(axis, values);
    case "percentile":
      return percentilePlan(values);
    case "rows":
      return rowsPlan(axis);
    default:
      return linearPlan(axis, values);
  }
}

/** As on an axis: `402 µs`, `64K`, `10 %`. */
export function axisText(value: number, unit: string): string {
  if (unit === "percent") return `${plain(value)} %`;
  if (unit === "bytes") return `${plain(value / scaleFor(unit, value).size)} ${scaleFor(unit, value).unit}`;
  if (unit === "chunk") return formatSize(value);
  if (unit === "seconds") return `${plain(value)} s`;
  if (unit === "times") return `${plain(value)} ×`;
  if (unit === "percentile") return value >= 100 ? "100" : `p${value}`;
  const scale = scaleFor(unit, value);
  return unit === "ns"
    ? `${plain(value / scale.size)} ${value === 0 ? "" : scale.unit}`.trim()
    : plain(value);
}

/** Ticks are round: no digits that say nothing. */
function plain(value: number): string {
  const rounded = Number(value.toPrecision(3));
  // Below a millionth it is written as 1e-9.
  const [digits = "", exponent = "0"] = String(rounded).split("e");
  const decimals = (digits.split(".")[1] ?? "").length - Number(exponent);
  return formatFigure(rounded, Math.min(100, Math.max(0, decimals)));
}

/** Of a linear axis: smaller ticks have no text. */
const LEAST_SPAN = 1e-3;
/** On a logarithmic one no figure is so small. */
const NOTHING = 1e-9;

function linearPlan({ unit }: ChartAxis, values: readonly number[]): AxisPlan {
  const highest = Math.max(...values, 0);
  const lowest = Math.min(...values, 0);
  const span = highest - lowest > LEAST_SPAN ? highest - lowest : 1;
  const step = niceStep(span / 5);
  const min = Math.floor(lowest / step) * step;
  const max = Math.max(
    min + step,
    unit === "seconds" || unit === "ns" ? highest + span * 0.02 : Math.ceil(highest / step) * step,
  );
  const ticks: [number, string][] = [];
  for (let index = 0; min + index * step <= max + step * 1e-9; index++) {
    const value = Number((min + index * step).toPrecision(12));
    ticks.push([value, axisText(value, unit)]);
  }
  return { position: (value) => value, value: (position) => position, min, max, ticks };
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** Between the ends of a logarithmic axis. */
const MOST_RANGE = 1e6;

/** Bytes go by powers of two, everything else by powers of ten. */
function logPlan({ unit }: ChartAxis, values: readonly number[]): AxisPlan {
  const largest = Math.max(...values);
  const highest = largest > NOTHING ? largest : 10;
  // What is a millionth of the largest is as good as nothing.
  const positive = values.filter((value) => value > NOTHING && value >= highest / MOST_RANGE);
  const lowest = positive.length === 0 ? highest / 10 : Math.min(...positive);
  const position = (value: number) => Math.log10(Math.max(value, floor));
  const candidates = unit === "bytes" ? powersOfTwo(lowest, highest) : oneTwoFive(lowest, highest);
  const hasBelow = values.some((value) => value < lowest);
  const first = candidates.findLast((value) => value <= lowest) ?? lowest;
  const last = candidates.find((value) => value >= highest) ?? highest;
  // What is too small for it stands at the lower edge, one step below everything else.
  const floor = hasBelow ? (candidates.findLast((value) => value < lowest) ?? first) : first;
  const within = candidates.filter((value) => value >= floor && value <= last);
  const ticks = within.map((value): [number, string] => {
    const text = axisText(value, unit);
    return [Math.log10(value), hasBelow && value === floor ? `≤${text}` : text];
  });
  return {
    position,
    value: (at) => 10 ** at,
    min: Math.log10(floor),
    max: last > floor ? Math.log10(last) : Math.log10(floor) + 1,
    ticks,
  };
}

/** So many at most, else every other decade alone. */
const MOST_TICKS = 9;

function oneTwoFive(lowest: number, highest: number): number[] {
  const decades: number[] = [];
  for (let power = Math.floor(Math.log10(lowest)) - 1; power <= Math.ceil(Math.log10(highest)); power++) {
    decades.push(Number(`1e${power}`));
  }
  const fine = decades.flatMap((decade) =>
    [1, 2, 5].map((factor) => Number((factor * decade).toPrecision(1))),
  );
  const shown = fine.filter((value) => value >= lowest / 2 && value <= highest * 2);
  return shown.length <= MOST_TICKS ? fine : decades;
}

function powersOfTwo(lowest: number, highest: number): number[] {
  const [from, to] = [Math.floor(Math.log2(lowest)) - 1, Math.ceil(Math.log2(highest)) + 1];
  const step = Math.max(1, Math.ceil((to - from) / MOST_TICKS));
  const powers: number[] = [];
  for (let power = Math.floor(from / step) * step; power <= to + step; power += step) powers.push(2 ** power);
  return powers;
}

function log2Plan({ unit, ticks = [] }: ChartAxis, values: readonly number[]): AxisPlan {
  const [lowest, highest] = [Math.log2(Math.min(...values)), Math.log2(Math.max(...values))];
  const margin = Math.max(0.1, (highest - lowest) * 0.04);
  return {
    position: Math.log2,
    value: (at) => Math.round(2 ** at),
    min: lowest - margin,
    max: highest + margin,
    ticks: ticks.map((tick) => [Math.log2(tick), axisText(tick, unit)]),
  };
}

function percentilePlan(values: readonly number[]): AxisPlan {
  const position = (percentile: number) => -Math.log10(1 - Math.min(percentile, HIGHEST_PERCENTILE) / 100);
  const highest = Math.max(90, ...values);
  return {
    position,
    value: (at) => 100 * (1 - 10 ** -at),
    min: 0,
    max: position(highest) + 0.03,
    ticks: PERCENTILE_TICKS.filter((tick) => tick <= highest + 1e-9).map((tick) => [
      position(tick),
      tick === 0 ? "min" : `p${tick}`,
    ]),
  };
}

/** The first row at the top. */
function rowsPlan({ rows = [] }: ChartAxis): AxisPlan {
  return {
    position: (row) => -row,
    value: (at) => Math.round(-at),
    min: -rows.length + 0.5,
    max: 0.5,
    ticks: rows.map((text, row) => [-row, text]),
  };
}
