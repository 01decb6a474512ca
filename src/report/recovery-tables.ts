/** What a node's death costs, for people: a row a phase in its order, a column a node count; a table an array and its bits. */
import type { RecoveryPhase } from "../cluster/cluster-event.js";
import type { Trial } from "../results/schema.js";
import { formatSize } from "../scenario/quantities.js";
import { latencyCell } from "./latency-cell.js";
import { type GridRow, gridLines, nodeCounts, withNodes } from "./latency-grid.js";
import type { TerminalStyle } from "./terminal-style.js";

const PHASES: readonly (readonly [phase: RecoveryPhase, label: string])[] = [
  ["noticed", "noticed by a survivor"],
  ["slotLocked", "slot locked, since noticed"],
  ["merged", "bits merged"],
  ["ownPagesWritten", "own pages written"],
  ["deadSlotCleared", "dead slot cleared"],
  ["resynced", "members in line"],
];

/** @returns lines, an empty one before each table */
export function recoveryTables(trials: readonly Trial[], style: TerminalStyle): string[] {
  const nodes = nodeCounts(trials);
  const keyOf = ({ labels }: Trial) => `${labels.chunkBytes}/${labels.dirtyChunks}`;
  return [...new Set(trials.map(keyOf))].flatMap((key) => {
    const of = trials.filter((trial) => keyOf(trial) === key);
    const row = (label: string, pattern: RegExp): GridRow => ({
      label,
      cells: nodes.map((count) => latencyCell(withNodes(of, count), pattern)),
    });
    const phases = PHASES.map(([phase, label]) => row(`  ${label}`, new RegExp(`\\{phase=${phase}\\}$`)));
    const rows = [
      row("from death to the end", /^recovery_latency_ns$/),
      ...phases,
      row("writes of survivors", /^write_latency_ns$/),
      row("  some range suspended", /^writers_suspended_ns$/),
      row("  longest wait of a writer", /^writer_longest_wait_ns$/),
    ];
    const heads = nodes.map((count) => `${count} nodes`);
    return ["", ...gridLines(titleOf(of), heads, rows.filter(hasFigures), style)];
  });
}

function hasFigures({ cells }: GridRow): boolean {
  return cells.some(({ short }) => short !== "–");
}

function titleOf([trial]: readonly Trial[]): string {
  const { chunkBytes, dirtyChunks } = trial?.labels ?? {};
  const bits = dirtyChunks === 1 ? "one bit" : `${dirtyChunks} bits`;
  return `A node dies with ${bits} in its slot, a chunk ${formatSize(Number(chunkBytes))}`;
}
