/** What locks cost, for people: alone, handed over, and in the way of others. The result file holds every mode. */
import type { Trial } from "../results/schema.js";
import { type Cell, latencyCell, meanCell, metricsNamed, rangeCell } from "./latency-cell.js";
import {
  type Conditions,
  conditionsOf,
  type GridRow,
  gridLines,
  nodeCounts,
  withNodes,
} from "./latency-grid.js";
import type { TerminalStyle } from "./terminal-style.js";

/** By what waits: the fastest way in which this machine hands a turn to it. */
const FLOORS: Readonly<Record<string, string>> = {
  sleep: "futex",
  spin: "spin",
  promise: "atomics",
  waitSync: "atomics",
};

const TAKING = /^lock_latency_ns\{op=(request|convert),mode=[^,]+,blockers=/;
const GIVING = /^lock_latency_ns\{op=(unlock|convert),mode=[^,]+,waiters=/;
/** Whether its metrics carry value blocks or not. */
const withoutBlock = ({ labels }: Trial) => labels.valueBlock === false;
const withBlock = ({ labels }: Trial) => labels.valueBlock === true;

/**
 * @param isBrief leaves out who is in whose way
 * @returns lines of several tables, an empty line before each
 */
export function lockTables(trials: readonly Trial[], isBrief: boolean, style: TerminalStyle): string[] {
  const alone = trials.filter(({ labels }) => labels.nodes === 1);
  const contended = trials.filter(({ labels }) => labels.nodes !== 1);
  return [
    ...(alone.length > 0 ? ["", ...uncontendedTable(alone, style)] : []),
    ...(contended.length > 0 ? ["", ...handOverTable(contended, style)] : []),
    ...(contended.length > 0 && !isBrief ? ["", ...inTheWayTable(contended, style)] : []),
  ];
}

function uncontendedTable(trials: readonly Trial[], style: TerminalStyle): string[] {
  const columns: readonly (readonly [string, (of: readonly Trial[]) => Cell])[] = [
    ["request EX", (of) => latencyCell(of, /op=request,mode=EX\}/)],
    ["NL→EX", (of) => latencyCell(of, /op=convert,mode=NL-EX\}/)],
    ["all 36 conversions", (of) => rangeCell(of, /op=convert/)],
    ["unlock EX", (of) => latencyCell(of, /op=unlock,mode=EX\}/)],
    ["mutex, look-up", (of) => meanCell(of, /kind=mutexAndLookup/)],
    ["clock", (of) => meanCell(of, /kind=clock/)],
  ];
  const rows = conditionsOf(trials).flatMap((conditions) => {
    // Nobody waits, so that native threads have nothing to wait by.
    const label = conditions.label.replace(/^sleep/, "native");
    return byValueBlock(label, conditions, (of) => columns.map(([, cell]) => cell(of)));
  });
  const heads = columns.map(([head]) => head);
  return gridLines("A lock that nobody else wants; floors on the right", heads, rows, style);
}

function handOverTable(trials: readonly Trial[], style: TerminalStyle): string[] {
  const nodes = nodeCounts(trials);
  const rows = conditionsOf(trials).flatMap((conditions) => [
    ...byValueBlock(conditions.label, conditions, (of) =>
      nodes.map((count) => latencyCell(withNodes(of, count), /op=handOver/)),
    ),
    floorRow(conditions, nodes),
  ]);
  const title =
    "EX handed to the next of N nodes: from the start of its release until that node's thread goes on";
  return gridLines(title, nodes.map(headOf), rows, style);
}

function inTheWayTable(trials: readonly Trial[], style: TerminalStyle): string[] {
  const nodes = nodeCounts(trials);
  const row = (label: string, of: readonly Trial[], cell: (of: readonly Trial[]) => Cell): GridRow => ({
    label: `  ${label}`,
    cells: nodes.map((count) => cell(withNodes(of, count))),
  });
  const rows = conditionsOf(trials).flatMap((conditions): GridRow[] => {
    const plain = conditions.trials.filter(withoutBlock);
    const block = conditions.trials.filter(withBlock);
    const shown = plain.length > 0 ? plain : block;
    // As JavaScript sees it only the hand-over is measured.
    if (metricsNamed(shown, TAKING).length === 0) return [];
    const ranges = (suffix: string, of: readonly Trial[]) => [
      row(`all that take${suffix}`, of, (one) => rangeCell(one, TAKING)),
      row(`all that give${suffix}`, of, (one) => rangeCell(one, GIVING)),
    ];
    return [
      { label: conditions.label, cells: [] },
      row("request EX", shown, (of) => latencyCell(of, /op=request,mode=EX,blockers/)),
      row("CR→EX", shown, (of) => latencyCell(of, /op=convert,mode=CR-EX,blockers/)),
      row("unlock EX", shown, (of) => latencyCell(of, /op=unlock,mode=EX,waiters/)),
      row("EX→CR", shown, (of) => latencyCell(of, /op=convert,mode=EX-CR,waiters/)),
      ...ranges("", shown),
      ...(plain.length > 0 && block.length > 0 ? ranges(", LVB", block) : []),
      floorRow(conditions, nodes),
    ];
  });
  if (rows.length === 0) return [];
  const title =
    "Taken from all others (who hold it, hear that it is wanted, and give it up), and given back to all who wait";
  return gridLines(title, nodes.map(headOf), rows, style);
}

function headOf(nodes: number): string {
  return `${nodes} nodes`;
}

/** A row for the trials without value blocks and one for those with them, as far as there are any. */
function byValueBlock(
  label: string,
  { trials }: Conditions,
  cells: (of: readonly Trial[]) => readonly Cell[],
): GridRow[] {
  const plain = trials.filter(withoutBlock);
  const block = trials.filter(withBlock);
  return [
    ...(plain.length > 0 ? [{ label, cells: cells(plain) }] : []),
    ...(block.length > 0
      ? [{ label: plain.length > 0 ? "  with LVB" : `${label}, LVB`, cells: cells(block) }]
      : []),
  ];
}

function floorRow({ waiting, trials }: Conditions, nodes: readonly number[]): GridRow {
  const kind = FLOORS[waiting] ?? waiting;
  const cells = nodes.map((count) => latencyCell(withNodes(trials, count), new RegExp(`kind=${kind}\\}`)));
  return { label: `  floor: ${kind}`, cells, isFloor: true };
}
