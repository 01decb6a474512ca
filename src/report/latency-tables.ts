/** The tables of a result's locks and messages, and how to read them. */
import type { Trial } from "../results/schema.js";
import { lockTables } from "./lock-tables.js";
import { messageTables } from "./message-tables.js";
import { paint, type TerminalStyle, wrap } from "./terminal-style.js";

/** Whether a trial belongs to them. */
export function isLatencyTrial({ labels }: Trial): boolean {
  return labels.kind === "locks" || labels.kind === "messages";
}

const LEGEND =
  "Locks and messages: p50 / p99, medians over trials (a narrow terminal: p50 alone). sleep, spin: native threads, by what those " +
  "do that wait; promise, waitSync: as JavaScript sees it. idle cores: to wake a thread may mean to wake its core; busy cores: " +
  "something of the lowest priority runs on each all the time.";

/** @returns lines, an empty one before each table; none where there are no such trials */
export function latencyTables(trials: readonly Trial[], style: TerminalStyle): string[] {
  const lines = [...new Set(trials.map(({ suite }) => suite))].flatMap((suite) => {
    const of = (kind: string) =>
      trials.filter(({ labels, suite: own }) => own === suite && labels.kind === kind);
    const [locks, messages] = [of("locks"), of("messages")];
    return [
      ...(locks.length > 0 ? lockTables(locks, suite !== "locks", style) : []),
      ...(messages.length > 0 ? messageTables(messages, style) : []),
    ];
  });
  return lines.length === 0 ? [] : [...lines, "", ...paintLines(LEGEND, style)];
}

function paintLines(text: string, style: TerminalStyle): string[] {
  return wrap(text, { ...style, widthColumns: Math.min(style.widthColumns, 120) }, "")
    .split("\n")
    .map((line) => paint(line, "dim", style));
}
