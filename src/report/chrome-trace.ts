/**
 * What the nodes of a run told, as Chrome trace events (the JSON form of https://ui.perfetto.dev and chrome://tracing): a row
 * a node, spans inside each other where one contains the other. What overlaps another span of its row without lying inside it
 * becomes an asynchronous event, for which viewers open a row of its own under the node.
 */
import type { ClusterEvent } from "../cluster/cluster-event.js";

export interface TracedTrial {
  readonly id: string;
  readonly events: readonly ClusterEvent[];
}

interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  /** X: a span; i: an instant; b, e: begin and end of an asynchronous event; M: a name. */
  readonly ph: "X" | "i" | "b" | "e" | "M";
  /** Microseconds since the run's first event. */
  readonly ts?: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid?: number;
  readonly id?: number;
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

interface Span {
  readonly node: number;
  readonly name: string;
  readonly category: string;
  readonly fromNs: number;
  /** Null: an instant. */
  readonly durationNs: number | null;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A process a trial, a thread a node. */
export function chromeTrace(trials: readonly TracedTrial[]): string {
  const spans = trials.map(({ events }) => events.map(spanOf));
  const startNs = spans
    .flat()
    .reduce((least, { fromNs }) => Math.min(least, fromNs), Number.POSITIVE_INFINITY);
  const traceEvents = trials.flatMap(({ id }, trial) => [
    ...namesOf(id, trial + 1, spans[trial] ?? []),
    ...eventsOf(trial + 1, spans[trial] ?? [], startNs),
  ]);
  return `${JSON.stringify({ displayTimeUnit: "ns", traceEvents })}\n`;
}

function namesOf(trial: string, pid: number, spans: readonly Span[]): TraceEvent[] {
  const nodes = [...new Set(spans.map(({ node }) => node))].sort((a, b) => a - b);
  return [
    { name: "process_name", cat: "__metadata", ph: "M", pid, args: { name: trial } },
    ...nodes.flatMap((node): TraceEvent[] => [
      { name: "thread_name", cat: "__metadata", ph: "M", pid, tid: node, args: { name: `node ${node}` } },
      { name: "thread_sort_index", cat: "__metadata", ph: "M", pid, tid: node, args: { sort_index: node } },
    ]),
  ];
}

function eventsOf(pid: number, spans: readonly Span[], startNs: number): TraceEvent[] {
  // Of two that begin together the longer one contains the other.
  const sorted = [...spans].sort((a, b) => a.fromNs - b.fromNs || (b.durationNs ?? 0) - (a.durationNs ?? 0));
  const open = new Map<number, number[]>();
  let asynchronous = 0;
  return sorted.flatMap((span): TraceEvent[] => {
    const { node, name, category, fromNs, durationNs, args } = span;
    const common = { name, cat: category, pid, tid: node, ts: (fromNs - startNs) / 1000, args };
    if (durationNs === null) return [{ ...common, ph: "i", s: "t" }];
    const ends = open.get(node) ?? [];
    open.set(node, ends);
    while ((ends.at(-1) ?? Number.POSITIVE_INFINITY) <= fromNs) ends.pop();
    const untilNs = fromNs + durationNs;
    if (untilNs <= (ends.at(-1) ?? Number.POSITIVE_INFINITY)) {
      ends.push(untilNs);
      return [{ ...common, ph: "X", dur: durationNs / 1000 }];
    }
    const id = ++asynchronous;
    return [
      { ...common, ph: "b", id },
      { name, cat: category, pid, tid: node, ph: "e", id, ts: (untilNs - startNs) / 1000 },
    ];
  });
}

function spanOf(event: ClusterEvent): Span {
  const { kind, node, atNs, ...rest } = event;
  const { durationNs = null, ...args } = { durationNs: null as number | null, ...rest };
  return { node, name: nameOf(event), category: kind, fromNs: atNs, durationNs, args };
}

/** What a reader of the picture looks for. */
function nameOf(event: ClusterEvent): string {
  switch (event.kind) {
    case "joinStep":
      return `join: ${event.step}`;
    case "lockCall":
      return `${event.resource} ${event.mode}`;
    case "lockBlocked":
      return `${event.resource} wanted in ${event.mode}`;
    case "messageSent":
    case "messageFailed":
      return `send ${event.type}`;
    case "messageReceived":
      return `receive ${event.type}`;
    case "superblockWrite":
      return `superblock of device ${event.device}`;
    case "pageWrite":
      return `page ${event.page} (${event.cause})`;
    case "addDisk":
      return `add disk: ${event.step}`;
    case "recovery":
      return `recovery of slot ${event.deadSlot}: ${event.phase}`;
    case "resync":
      return `resync: ${event.phase}`;
    default:
      return event.kind;
  }
}
