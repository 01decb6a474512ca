/** Which figures of which trials make a table. The result file holds many more; these are what one decides by. */
import type { Trial } from "../../results/schema.js";
import type { FigureDefinition, TableDefinition } from "./figure-table.js";

const kindIs =
  (kind: string) =>
  ({ labels }: Trial): boolean =>
    labels.kind === kind;

/** Trials of suites that write the array with and without a bitmap. */
export function isBitmapTrial({ labels }: Trial): boolean {
  return labels.bitmap !== undefined && (labels.kind === undefined || labels.kind === "bitmap");
}

const WRITES: TableDefinition = {
  id: "writes",
  title: "Writes, and what the bitmap adds to them",
  reading:
    "Medians over trials. “Without” is the twin without a bitmap, next to it on the same blocks. Tax: how much longer the mean write takes with the bitmap. To resync: bytes that a resync would copy if a node died now.",
  applies: isBitmapTrial,
  labels: [
    ["phase", "Phase"],
    ["workload", "Workload"],
    ["nodes", "Nodes"],
    ["chunkBytes", "Chunk"],
    ["ratePercent", "Rate"],
    ["workingSet", "Working set"],
    ["writeBytes", "Write"],
    ["plug", "Plug"],
    ["loop", "Loop"],
    ["durability", "Durability"],
    ["daemonSleepMs", "Daemon sleep"],
    ["overlap", "Overlap"],
    ["degraded", "Degraded"],
    ["finds", "Finds"],
    ["directIo", "Direct I/O"],
  ],
  figures: [
    { title: "Tax", metric: /^bitmap_tax_percent$/, statistic: "value", bitmap: "on" },
    { title: "To resync", metric: /^dirty_bytes$/, statistic: "mean", bitmap: "on" },
    { title: "Write p50", metric: /^write_latency_ns$/, statistic: "p50", bitmap: "on", compared: true },
    { title: "Write p99", metric: /^write_latency_ns$/, statistic: "p99", bitmap: "on", compared: true },
    { title: "Without p50", metric: /^write_latency_ns$/, statistic: "p50", bitmap: "off" },
    { title: "Without p99", metric: /^write_latency_ns$/, statistic: "p99", bitmap: "off" },
    { title: "Writes a second", metric: /^write_iops$/, statistic: "value", bitmap: "on", compared: true },
    { title: "Without", metric: /^write_iops$/, statistic: "value", bitmap: "off" },
    { title: "Unplug p50", metric: /^unplug_latency_ns$/, statistic: "p50", bitmap: "on" },
    {
      title: "Pages a write",
      metric: /^bitmap_page_writes_per_write\{cause=unplug\}$/,
      statistic: "value",
      bitmap: "on",
    },
  ],
};

const CONDITIONS = [
  ["seenBy", "Seen by"],
  ["waiting", "Waiting"],
  ["cores", "Cores"],
  ["node", "Node"],
  ["master", "Master"],
  ["contended", "Contended"],
] as const;

const LOCKS: TableDefinition = {
  id: "locks",
  title: "Locks",
  reading:
    "Medians over trials of a trial’s percentile. With one node nobody else wants the lock; with more it is handed from node to node. Floor: the fastest hand-over that this machine allows to those that wait so.",
  applies: kindIs("locks"),
  labels: [...CONDITIONS, ["nodes", "Nodes"], ["valueBlock", "LVB"]],
  figures: [
    { title: "Request EX p50", metric: /op=request,mode=EX[,}]/, statistic: "p50", compared: true },
    { title: "NL→EX p50", metric: /op=convert,mode=NL-EX[,}]/, statistic: "p50" },
    { title: "Slowest conversion p50", metric: /op=convert/, statistic: "p50", slowest: true },
    { title: "Unlock EX p50", metric: /op=unlock,mode=EX[,}]/, statistic: "p50" },
    { title: "Hand-over p50", metric: /op=handOver/, statistic: "p50", compared: true },
    { title: "Hand-over p99", metric: /op=handOver/, statistic: "p99" },
    { title: "Floor p50", metric: /^lock_floor_ns\{kind=(futex|atomics)\}$/, statistic: "p50" },
  ],
};

const MESSAGES: TableDefinition = {
  id: "messages",
  title: "Broadcasts",
  reading:
    "Medians over trials. From the start until every other node has processed the message, and its parts: until the token is held, until the message is written, until all have acknowledged.",
  applies: kindIs("messages"),
  labels: [...CONDITIONS, ["nodes", "Nodes"]],
  figures: [
    { title: "Whole p50", metric: /^message_latency_ns$/, statistic: "p50", compared: true },
    { title: "Whole p99", metric: /^message_latency_ns$/, statistic: "p99", compared: true },
    { title: "Token p50", metric: /part=token/, statistic: "p50" },
    { title: "Message p50", metric: /part=message/, statistic: "p50" },
    { title: "Acknowledged p50", metric: /part=ack/, statistic: "p50" },
    { title: "Until token free p50", metric: /role=send,step=all/, statistic: "p50" },
  ],
};

function named(
  metric: string,
  key: string,
  parts: readonly (readonly [string, string])[],
): FigureDefinition[] {
  return parts.map(([part, title]) => ({
    title,
    metric: new RegExp(`^${metric}\\{${key}=${part}\\}$`),
    statistic: "p50",
  }));
}

const ADD_DISK: TableDefinition = {
  id: "add-disk",
  title: "A disk added to a running array",
  reading:
    "Medians over trials of the p50. Hook, search, check and candidate happen on the nodes that are asked, within the announcement.",
  applies: kindIs("addDisk"),
  labels: [
    ["outcome", "Outcome"],
    ["nodes", "Nodes"],
    ["chunkBytes", "Chunk"],
    ["newDeviceTimeoutMs", "New device time-out"],
    ["lockTimeoutMs", "Time-out of the sender"],
  ],
  figures: [
    { title: "Whole p50", metric: /^add_disk_latency_ns$/, statistic: "p50", compared: true },
    ...named("add_disk_latency_ns", "step", [
      ["write", "Write"],
      ["announce", "Announce"],
      ["event", "Hook"],
      ["search", "Search"],
      ["confirm", "Check"],
      ["candidate", "Candidate"],
      ["veto", "Veto"],
      ["add", "Add"],
      ["refuse", "Refuse"],
      ["learn", "Learn"],
    ]),
  ],
};

const RECOVERY: TableDefinition = {
  id: "recovery",
  title: "A node dies: its slot’s recovery",
  reading:
    "Medians over trials. From its death until the last survivor is through: noticed, the slot’s lock taken, bits merged, own pages written, the dead slot cleared, members in line. A real cluster first has to notice the death (corosync’s time-outs), which comes on top.",
  applies: kindIs("recovery"),
  labels: [
    ["nodes", "Nodes"],
    ["chunkBytes", "Chunk"],
    ["dirtyChunks", "Bits"],
  ],
  figures: [
    { title: "Whole p50", metric: /^recovery_latency_ns$/, statistic: "p50", compared: true },
    ...named("recovery_latency_ns", "phase", [
      ["noticed", "Noticed"],
      ["slotLocked", "Slot locked"],
      ["merged", "Merged"],
      ["ownPagesWritten", "Own pages"],
      ["deadSlotCleared", "Slot cleared"],
      ["resynced", "Resynced"],
    ]),
    { title: "Survivors’ write p50", metric: /^write_latency_ns$/, statistic: "p50" },
    { title: "Longest wait of a writer", metric: /^writer_longest_wait_ns$/, statistic: "p50" },
  ],
};

export const TABLES: readonly TableDefinition[] = [WRITES, LOCKS, MESSAGES, ADD_DISK, RECOVERY];
