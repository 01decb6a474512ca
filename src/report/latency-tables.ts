/** The tables of a result's latencies: locks, messages, disks added, recoveries; and how to read them. */
import type { Trial } from "../results/schema.js";
import { addDiskTables } from "./add-disk-tables.js";
import { lockTables } from "./lock-tables.js";
import { messageTables } from "./message-tables.js";
import { recoveryTables } from "./recovery-tables.js";
import { paint, type TerminalStyle, wrap } from "./terminal-style.js";

const KINDS: ReadonlySet<unknown> = new Set(["locks", "messages", "addDisk", "recovery"]);

/** Whether a trial belongs to them. */
export function isLatencyTrial({ labels }: Trial): boolean {
  return KINDS.has(labels.kind);
}

const LEGEND =
  "Locks and messages: p50 / p99, medians over trials (a narrow terminal: p50 alone). sleep, spin: native threads, by what those " +
  "do that wait; promise, waitSync: as JavaScript sees it. idle cores: to wake a thread may mean to wake its core; busy cores: " +
  "something of the lowest priority runs on each all the time.";

const ADD_DISK_LEGEND =
  "Adding a disk: p50 / p99, medians over trials. What is set in happens on the nodes that are asked, one figure each, within the step above it.";

const RECOVERY_LEGEND =
  "Recovery: p50 / p99, medians over trials. The lock manager tells survivors of a death at once; a real cluster first has to notice it " +
  "(corosync's time-outs), which comes on top.";

/** @returns lines, an empty one before each table; none where there are no such trials */
export function latencyTables(trials: readonly Trial[], style: TerminalStyle): string[] {
  const lines = [...new Set(trials.map(({ suite }) => suite))].flatMap((suite) => {
    const of = (kind: string) =>
      trials.filter(({ labels, suite: own }) => own === suite && labels.kind === kind);
    const [locks, messages, disks, recoveries] = [of("locks"), of("messages"), of("addDisk"), of("recovery")];
    return [
      ...(locks.length > 0 ? lockTables(locks, suite !== "locks", style) : []),
      ...(messages.length > 0 ? messageTables(messages, style) : []),
      ...(disks.length > 0 ? addDiskTables(disks, style) : []),
      ...(recoveries.length > 0 ? recoveryTables(recoveries, style) : []),
    ];
  });
  const legends = [
    ...(trials.some(({ labels }) => labels.kind === "locks" || labels.kind === "messages") ? [LEGEND] : []),
    ...(trials.some(({ labels }) => labels.kind === "addDisk") ? [ADD_DISK_LEGEND] : []),
    ...(trials.some(({ labels }) => labels.kind === "recovery") ? [RECOVERY_LEGEND] : []),
  ];
  return lines.length === 0 ? [] : [...lines, "", ...legends.flatMap((legend) => paintLines(legend, style))];
}

function paintLines(text: string, style: TerminalStyle): string[] {
  return wrap(text, { ...style, widthColumns: Math.min(style.widthColumns, 120) }, "")
    .split("\n")
    .map((line) => paint(line, "dim", style));
}
