/**
 * The `events` form: md's own calls are given, with their times, and the state machine alone says which pages they write (finding 1 of
 * golden/writes). Time orders the calls and labels the writes; nothing here waits or wakes by itself.
 */
import { MdThread } from "../bitmap/md-thread.js";
import { inTimeOrder } from "./in-time-order.js";
import type { PageWrite } from "./page-write.js";
import type { MdCall, ReplayScript } from "./script.js";
import { kernelTiming } from "./timer-wheel.js";
import { nanoseconds, type VirtualArray } from "./virtual-array.js";
import type { VirtualNode } from "./virtual-node.js";

export function* replayEvents(script: ReplayScript, array: VirtualArray): Generator<PageWrite> {
  const calls = script.events ?? [];
  const untilNs = nanoseconds(script.untilSeconds);
  const told = new MemberNews(calls);
  const passes = new PassesOfWakes(calls, script.geometry.daemonSleepSeconds);
  for (const index of inTimeOrder(calls)) {
    const call = calls[index];
    if (call === undefined) break;
    const atNs = nanoseconds(call.atSeconds);
    if (atNs > untilNs) break;
    const node = array.node(call.node);
    switch (call.op) {
      case "wake":
        if (passes.isDue(call.node, node, atNs)) node.daemonPass(atNs);
        break;
      case "fail":
        for (const slot of told.by(call)) array.node(slot).fail(call.member);
        break;
      case "activate":
        for (const slot of told.by(call)) array.node(slot).activate(call.member);
        break;
      default:
        make(call, node, array.geometry.syncSizeSectors, atNs);
    }
    if (array.issued.length > 0) yield* array.takeIssued();
  }
}

function make(
  call: Exclude<MdCall, { op: "wake" | "fail" | "activate" }>,
  node: VirtualNode,
  syncSizeSectors: number,
  atNs: number,
): void {
  switch (call.op) {
    case "startWrite":
      node.startWrite(call.sector, call.sectors);
      return;
    case "endWrite":
      node.endWrite(call.sector, call.sectors, call.failed ?? node.degraded);
      return;
    case "unplug":
      node.unplug(atNs);
      return;
    case "pass":
      if (call.needSync !== undefined) node.bitmap.needSync = call.needSync;
      node.daemonPass(atNs);
      return;
    case "bitmapSuper":
      node.updateSuperblock(atNs);
      return;
    case "load":
      node.load(atNs);
      return;
    case "writeAll":
      node.writeAll();
      return;
    case "copyFromSlot":
      node.copyFromSlot(call.slot, call.clear ?? false, atNs);
      return;
    case "startSync":
      overSpan(call, syncSizeSectors, (at) => node.bitmap.startSync(at, call.degraded ?? false).sectors);
      return;
    case "endSync":
      overSpan(call, syncSizeSectors, (at) => node.bitmap.endSync(at, call.aborted ?? false));
      return;
    case "closeSync":
      node.bitmap.closeSync();
      return;
    case "stop":
      node.flush(atNs);
  }
}

/** One call at `sector`; over `sectors` from there; without either, over the whole array. */
function overSpan(
  call: { readonly sector?: number | undefined; readonly sectors?: number | undefined },
  syncSizeSectors: number,
  step: (sector: number) => number,
): void {
  const from = call.sector ?? 0;
  const whole = call.sector === undefined && call.sectors === undefined;
  const end = whole ? syncSizeSectors : from + (call.sectors ?? 1);
  for (let at = from; at < end; ) at += step(at);
}

/** Which nodes learn of a member's failure or return from one call: the caller, and all whom the script tells nothing about it. */
class MemberNews {
  private readonly nodes = new Set<number>();
  private readonly told = new Set<string>();

  constructor(calls: readonly MdCall[]) {
    for (const call of calls) {
      this.nodes.add(call.node);
      if (call.op === "fail" || call.op === "activate") this.told.add(`${call.node} ${call.member}`);
    }
  }

  by(call: { readonly node: number; readonly member: string }): number[] {
    return [...this.nodes].filter((node) => node === call.node || !this.told.has(`${node} ${call.member}`));
  }
}

/** A wake is a pass where one is due, but only on nodes whose script names no pass: a trace names both. */
class PassesOfWakes {
  private readonly namesPasses = new Set<number>();
  private readonly threads = new Map<number, MdThread>();

  constructor(
    calls: readonly MdCall[],
    private readonly daemonSleepSeconds: number,
  ) {
    for (const call of calls) if (call.op === "pass") this.namesPasses.add(call.node);
  }

  isDue(slot: number, node: VirtualNode, atNs: number): boolean {
    if (this.namesPasses.has(slot)) return false;
    let thread = this.threads.get(slot);
    if (thread === undefined) {
      thread = new MdThread(nanoseconds(this.daemonSleepSeconds), Number.NEGATIVE_INFINITY, kernelTiming);
      this.threads.set(slot, thread);
    }
    return thread.wake(atNs, node.bitmap.allClean);
  }
}
