/** What a broadcast costs, for people: the whole, its parts, and the floors beside it. */
import { DEADLOCKS_METRIC } from "../measure/message-trials.js";
import type { Trial } from "../results/schema.js";
import { type Cell, latencyCell, meanCell, metricsNamed, valueCell } from "./latency-cell.js";
import { conditionsOf, type GridRow, gridLines, nodeCounts, withNodes } from "./latency-grid.js";
import type { TerminalStyle } from "./terminal-style.js";

type Line = readonly [label: string, cell: (of: readonly Trial[]) => Cell, isFloor?: boolean];

/** @returns lines, an empty one first */
export function messageTables(trials: readonly Trial[], style: TerminalStyle): string[] {
  const nodes = nodeCounts(trials);
  const rows = conditionsOf(trials).flatMap(({ label, waiting, trials: of }) =>
    linesOf(label, waiting, of).map(([name, cell, isFloor = false]): GridRow => {
      return { label: name, cells: nodes.map((count) => cell(withNodes(of, count))), isFloor };
    }),
  );
  const heads = nodes.map((count) => (count === 2 ? "to 1 node" : `to ${count - 1}`));
  const title =
    "A broadcast until all others have processed it (promise: until JavaScript goes on), and its parts";
  return ["", ...gridLines(title, heads, rows, style)];
}

function linesOf(label: string, waiting: string, trials: readonly Trial[]): Line[] {
  const ofPart = (part: string): Line => [
    `  ${part}`,
    (of) => latencyCell(of, new RegExp(`^message_latency_ns\\{part=${part}\\}`)),
  ];
  const whole: Line = [label, (of) => latencyCell(of, /^message_latency_ns$/)];
  const parts = [whole, ofPart("token"), ofPart("message"), ofPart("ack")];
  const all = (of: readonly Trial[]) => latencyCell(of, /^message_step_ns\{role=send,step=all\}/);
  const deadlocks: Line[] =
    metricsNamed(trials, new RegExp(DEADLOCKS_METRIC)).length > 0
      ? [["  deadlocks each", (of) => valueCell(of, DEADLOCKS_METRIC)]]
      : [];
  if (waiting === "promise") return [...parts, ...deadlocks, ["  native part", all, true]];
  const floor = waiting === "spin" ? "spin" : "futex";
  return [
    ...parts,
    ["  until token free", all],
    ...deadlocks,
    [`  floor: ${floor}`, (of) => latencyCell(of, new RegExp(`kind=${floor}\\}`)), true],
    ["  receiver's CPU", (of) => meanCell(of, /kind=receiverCpu\}/), true],
  ];
}
