/**
 * What a script's single fields cannot say: that nodes and members exist, writes lie inside the array, ends have their starts. Everything
 * is found here, before the first page write is put out.
 */
import { COUNTER_MAX } from "../bitmap/slot-bitmap.js";
import { SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { inTimeOrder } from "./in-time-order.js";
import type { AppWrite, MdCall, ReplayScript } from "./script.js";
import { memberNames } from "./virtual-array.js";

/** What breaks a rule: the field's path, and what is wrong with it. */
export interface Breach {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A chunk's counter is 2 when idle, and at its maximum takes no more writes. */
const MOST_WRITES_IN_FLIGHT = COUNTER_MAX - 2;

/** The first rule that the script breaks, if any. */
export function firstBreach(script: ReplayScript, geometry: SlotGeometry): Breach | undefined {
  for (const breach of breaches(script, geometry)) return breach;
  return undefined;
}

function* breaches(script: ReplayScript, geometry: SlotGeometry): Generator<Breach> {
  yield* formBreaches(script);
  yield* memberBreaches(script);
  yield* nodeBreaches(script);
  yield* dirtyChunkBreaches(script, geometry);
  yield* writeBreaches(script, geometry);
  yield* stopBreaches(script);
  yield* callBreaches(script, geometry);
}

function* formBreaches({ writes, wakes, stops, events }: ReplayScript): Generator<Breach> {
  if (writes === undefined && events === undefined) {
    yield { path: [], message: "has neither writes nor events: it must have one of them" };
  }
  if (events === undefined) return;
  for (const [name, given] of Object.entries({ writes, wakes, stops })) {
    if (given !== undefined) {
      yield {
        path: [name],
        message: "cannot stand beside events: a script has writes, wakes and stops, or events",
      };
    }
  }
}

function* memberBreaches(script: ReplayScript): Generator<Breach> {
  const names = memberNames(script);
  const known = new Set(names);
  if (known.size < names.length) {
    yield { path: ["geometry", "members"], message: `names a member twice: ${names.join(", ")}` };
  }
  for (const [node, order] of Object.entries(script.memberOrder ?? {})) {
    const complete = order.length === names.length && new Set(order).size === names.length;
    if (!complete || !order.every((name) => known.has(name))) {
      yield {
        path: ["memberOrder", node],
        message: `is ${order.join(", ")}: it must name each of the members ${names.join(", ")} once`,
      };
    }
  }
  for (const [index, call] of (script.events ?? []).entries()) {
    if ((call.op === "fail" || call.op === "activate") && !known.has(call.member)) {
      yield {
        path: ["events", index, "member"],
        message: `is ${call.member}: the members are ${names.join(", ")}`,
      };
    }
  }
}

function* nodeBreaches(script: ReplayScript): Generator<Breach> {
  const nodes = Math.max(1, script.geometry.nodes);
  const message = (node: number | string) =>
    `is ${node}: the nodes of this array are ${nodes === 1 ? "0 alone" : `0 to ${nodes - 1}`}`;
  const { memberOrder, start, ...lists } = script;
  const keyed = {
    memberOrder,
    eventsCleared: start?.eventsCleared,
    events: start?.events,
    active: start?.active,
    dirtyChunks: start?.dirtyChunks,
  };
  for (const [name, value] of Object.entries(keyed)) {
    // Without a cluster there is no other node that the script could have meant.
    if (typeof value !== "object" || nodes === 1) continue;
    for (const node of Object.keys(value)) {
      const path = name === "memberOrder" ? [name, node] : ["start", name, node];
      if (Number(node) >= nodes) yield { path, message: message(node) };
    }
  }
  const { writes, wakes, stops, events } = lists;
  for (const [list, entries] of Object.entries({ writes, wakes, stops, events })) {
    for (const [index, { node }] of (entries ?? []).entries()) {
      if (node >= nodes) yield { path: [list, index, "node"], message: message(node) };
    }
  }
}

function* dirtyChunkBreaches({ start }: ReplayScript, { chunks }: SlotGeometry): Generator<Breach> {
  for (const [slot, ranges] of Object.entries(start?.dirtyChunks ?? {})) {
    for (const [index, [first, last]] of ranges.entries()) {
      if (first <= last && last < chunks) continue;
      yield {
        path: ["start", "dirtyChunks", slot, index],
        message: `is ${first} to ${last}: it must be a first and a last chunk, of 0 to ${chunks - 1}`,
      };
    }
  }
}

function* writeBreaches(script: ReplayScript, geometry: SlotGeometry): Generator<Breach> {
  const arrayBytes = geometry.syncSizeSectors * SECTOR_BYTES;
  const submits = new Map<string, AppWrite["submit"]>();
  for (const [index, write] of (script.writes ?? []).entries()) {
    if (write.offsetBytes + write.lengthBytes > arrayBytes) {
      yield {
        path: ["writes", index, "offsetBytes"],
        message: `puts ${write.lengthBytes} bytes at ${write.offsetBytes}, past the array's end at ${arrayBytes}`,
      };
    }
    if (write.depthGroup === undefined) continue;
    const group = `${write.node} ${typeof write.depthGroup} ${write.depthGroup}`;
    const submit = write.submit ?? "sync";
    if ((submits.get(group) ?? submit) !== submit) {
      yield {
        path: ["writes", index, "submit"],
        message: `is ${submit}, unlike the other writes of depthGroup ${write.depthGroup}`,
      };
    }
    submits.set(group, submit);
  }
}

function* stopBreaches({ writes, stops }: ReplayScript): Generator<Breach> {
  const stopped = new Map<number, number>();
  for (const [index, { node, atSeconds }] of (stops ?? []).entries()) {
    if (stopped.has(node))
      yield { path: ["stops", index, "node"], message: `stops node ${node} a second time` };
    stopped.set(node, atSeconds);
  }
  if (stopped.size === 0) return;
  for (const [index, { node, atSeconds }] of (writes ?? []).entries()) {
    const stoppedAt = stopped.get(node);
    if (stoppedAt !== undefined && atSeconds > stoppedAt) {
      yield {
        path: ["writes", index, "atSeconds"],
        message: `is ${atSeconds}, but node ${node} was stopped at ${stoppedAt}`,
      };
    }
  }
}

function* callBreaches(script: ReplayScript, geometry: SlotGeometry): Generator<Breach> {
  const calls = script.events ?? [];
  const nodes = new Map<number, CalledNode>();
  for (const index of inTimeOrder(calls)) {
    const call = calls[index];
    if (call === undefined || call.atSeconds > script.untilSeconds) return;
    const nodeOf = (slot: number) => {
      const node = nodes.get(slot) ?? new CalledNode(geometry);
      nodes.set(slot, node);
      return node;
    };
    const breach = nodeOf(call.node).breachOf(call) ?? copyBreach(call, geometry);
    if (breach !== undefined) yield { ...breach, path: ["events", index, ...breach.path] };
    else if (call.op === "copyFromSlot" && call.clear === true) nodeOf(call.slot).recoveredBy(call.node);
  }
}

function copyBreach(call: MdCall, { nodes }: SlotGeometry): Breach | undefined {
  if (call.op !== "copyFromSlot") return undefined;
  if (call.slot >= nodes) {
    return { path: ["slot"], message: `is ${call.slot}: the slots of this array are 0 to ${nodes - 1}` };
  }
  if (call.slot === call.node) {
    return { path: ["slot"], message: `is ${call.slot}, the node's own: it must be another node's` };
  }
  return undefined;
}

/** Follows how many writes are in flight to each chunk of one node, for an end without a start would corrupt its counter. */
class CalledNode {
  private readonly inFlight = new Map<number, number>();
  private stopped = false;
  private recoverer: number | undefined;

  constructor(private readonly geometry: SlotGeometry) {}

  /** Its slot was cleared by another node, for it is dead. */
  recoveredBy(node: number): void {
    this.recoverer = node;
    this.inFlight.clear();
  }

  breachOf(call: MdCall): Breach | undefined {
    if (call.op === "load") {
      this.stopped = false;
      this.recoverer = undefined;
      this.inFlight.clear();
    } else if (this.recoverer !== undefined && call.op !== "fail" && call.op !== "activate") {
      return {
        path: ["op"],
        message: `is ${call.op}, but node ${this.recoverer} cleared the slot of node ${call.node}, which was not loaded again`,
      };
    } else if (this.stopped && call.op === "startWrite") {
      return {
        path: ["op"],
        message: `is startWrite, but node ${call.node} was stopped and not loaded again`,
      };
    } else if (call.op === "stop") this.stopped = true;
    const { syncSizeSectors } = this.geometry;
    if ("sector" in call && call.sector !== undefined) {
      const end = call.sector + (call.sectors ?? 1);
      if (end > syncSizeSectors) {
        return {
          path: ["sector"],
          message: `puts ${call.sectors ?? 1} sectors at ${call.sector}, past the array's end at sector ${syncSizeSectors}`,
        };
      }
    }
    if (call.op === "startWrite" || call.op === "endWrite") return this.countWrite(call);
    return undefined;
  }

  private countWrite(call: Extract<MdCall, { op: "startWrite" | "endWrite" }>): Breach | undefined {
    const { chunkSectors } = this.geometry;
    const last = Math.floor((call.sector + call.sectors - 1) / chunkSectors);
    for (let chunk = Math.floor(call.sector / chunkSectors); chunk <= last; chunk++) {
      const before = this.inFlight.get(chunk) ?? 0;
      const now = before + (call.op === "startWrite" ? 1 : -1);
      if (now < 0) {
        return {
          path: ["op"],
          message: `is endWrite, but no write to chunk ${chunk} is in flight at ${call.atSeconds} s`,
        };
      }
      if (now > MOST_WRITES_IN_FLIGHT) {
        return {
          path: ["op"],
          message: `is startWrite, but chunk ${chunk} has ${before} writes in flight, as many as it can count`,
        };
      }
      if (now === 0) this.inFlight.delete(chunk);
      else this.inFlight.set(chunk, now);
    }
    return undefined;
  }
}
