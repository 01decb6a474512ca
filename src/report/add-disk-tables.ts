/** What adding a disk costs, for people: a table an outcome, a row a step in its order, a column a node count. */
import type { AddDiskStep } from "../cluster/cluster-event.js";
import type { Trial } from "../results/schema.js";
import { latencyCell } from "./latency-cell.js";
import { type GridRow, gridLines, nodeCounts, withNodes } from "./latency-grid.js";
import { formatFigure } from "./quantity.js";
import type { TerminalStyle } from "./terminal-style.js";

/** In the order in which they happen; what lies inside another is set in. */
const STEPS: readonly (readonly [step: AddDiskStep, label: string])[] = [
  ["write", "write: superblock and slots"],
  ["announce", "announce: until all answered"],
  ["event", "  event: the hook"],
  ["search", "  search: the device found"],
  ["confirm", "  confirm: read and checked"],
  ["candidate", "  candidate: bound, veto dropped"],
  ["veto", "veto: no-new-dev tried"],
  ["add", "add: until all have it"],
  ["refuse", "refuse: until all know"],
  ["learn", "  learn: by a receiver"],
];

const TITLES: Readonly<Record<string, string>> = {
  confirmed: "A disk is added: every node sees it",
  refused: "A disk is refused: one node does not see it",
  unanswered: "A disk is not added: one node does not answer",
};

/** @returns lines, an empty one before each table */
export function addDiskTables(trials: readonly Trial[], style: TerminalStyle): string[] {
  const nodes = nodeCounts(trials);
  const outcomes = [...new Set(trials.map(({ labels }) => String(labels.outcome)))];
  return outcomes.flatMap((outcome) => {
    const of = trials.filter(({ labels }) => labels.outcome === outcome);
    const row = (label: string, pattern: RegExp): GridRow => ({
      label,
      cells: nodes.map((count) => latencyCell(withNodes(of, count), pattern)),
    });
    const steps = STEPS.map(([step, label]) => row(label, new RegExp(`\\{step=${step}\\}$`)));
    const rows = [row("the whole", /^add_disk_latency_ns$/), ...steps.filter(hasFigures)];
    const heads = nodes.map((count) => `${count} nodes`);
    return ["", ...gridLines(titleOf(outcome, of), heads, rows, style)];
  });
}

function hasFigures({ cells }: GridRow): boolean {
  return cells.some(({ short }) => short !== "–");
}

function titleOf(outcome: string, [trial]: readonly Trial[]): string {
  const title = TITLES[outcome] ?? outcome;
  if (outcome !== "unanswered" || trial === undefined) return title;
  const limits = [trial.labels.newDeviceTimeoutMs, trial.labels.lockTimeoutMs].map(
    (ms) => `${formatFigure(Number(ms) / 1000)} s`,
  );
  return `${title} (new device time-out ${limits[0]}, of the sender ${limits[1]})`;
}
