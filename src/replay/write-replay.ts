/**
 * The `writes` form: application writes in, page writes out. This is the clock: it lets the script, the ends of writes and the nodes'
 * timers happen one after another. At one instant writes end first, then the script goes on, then timers fire, lower slots first.
 */
import { EventQueue } from "./event-queue.js";
import { inTimeOrder } from "./in-time-order.js";
import type { PageWrite } from "./page-write.js";
import type { AppWrite, ReplayScript } from "./script.js";
import { isClustered, memberNames, nanoseconds, startOf, type VirtualArray } from "./virtual-array.js";
import { type Plug, type WriteEnd, WritingNode } from "./writing-node.js";

const DEFAULT_DURATION_SECONDS = 0.005;
const NEVER = Number.POSITIVE_INFINITY;

export function* replayWrites(script: ReplayScript, array: VirtualArray): Generator<PageWrite> {
  const untilNs = nanoseconds(script.untilSeconds);
  const ends = new EventQueue<WriteEnd>();
  const nodes = new WritingNodes(script, array, ends);
  const plugs = new Plugs(script.writes ?? []);
  const scripted = new Scripted(script);
  for (;;) {
    const sleeper = nodes.firstToWake();
    const timerNs = sleeper?.wakesAtNs ?? NEVER;
    const nowNs = Math.min(ends.nextNs, scripted.nextNs, timerNs);
    if (nowNs > untilNs || nowNs === NEVER) return;
    if (ends.nextNs === nowNs) {
      const end = ends.take();
      end?.node.end(end, nowNs);
    } else if (scripted.nextNs === nowNs) {
      const { op, entry } = scripted.take();
      const node = nodes.at(entry.node);
      if (op === "wake") node.wake(nowNs);
      else if (op === "stop") node.stop(nowNs);
      else submit(entry, node, plugs.of(entry), nowNs);
    } else sleeper?.timerFired(nowNs);
    if (array.issued.length > 0) yield* array.takeIssued();
  }
}

function submit(write: AppWrite, node: WritingNode, plug: Plug, nowNs: number): void {
  const durationNs = nanoseconds(write.durationSeconds ?? DEFAULT_DURATION_SECONDS);
  node.submit(write.offsetBytes / 512, write.lengthBytes / 512, durationNs, plug, nowNs);
}

class WritingNodes {
  private readonly made = new Map<number, WritingNode>();

  constructor(
    private readonly script: ReplayScript,
    private readonly array: VirtualArray,
    private readonly ends: EventQueue<WriteEnd>,
  ) {}

  at(slot: number): WritingNode {
    const made = this.made.get(slot);
    if (made !== undefined) return made;
    const clustered = isClustered(this.script);
    const node = new WritingNode(this.array.node(slot), this.ends, {
      daemonSleepNs: nanoseconds(this.script.geometry.daemonSleepSeconds),
      clustered,
      // A clustered array is in use while it runs; outside a cluster safe mode marks an idle array clean.
      active: startOf(this.script.start?.active, slot, clustered),
      members: memberNames(this.script).length,
    });
    this.made.set(slot, node);
    return node;
  }

  firstToWake(): WritingNode | undefined {
    let first: WritingNode | undefined;
    for (const node of this.made.values()) {
      const sooner = first === undefined ? node.wakesAtNs < NEVER : wakesBefore(node, first);
      if (sooner) first = node;
    }
    return first;
  }
}

function wakesBefore(a: WritingNode, b: WritingNode): boolean {
  return a.wakesAtNs < b.wakesAtNs || (a.wakesAtNs === b.wakesAtNs && a.slot < b.slot);
}

/** The plugs that the script's depth groups name; a write without a group has its own. */
class Plugs {
  private readonly open = new Map<string, Plug>();

  constructor(writes: readonly AppWrite[]) {
    for (const write of writes) {
      if (write.depthGroup === undefined) continue;
      const key = plugKey(write);
      const plug = this.open.get(key);
      if (plug === undefined) this.open.set(key, emptyPlug(write));
      else plug.expected++;
    }
  }

  of(write: AppWrite): Plug {
    if (write.depthGroup === undefined) return emptyPlug(write);
    const key = plugKey(write);
    const plug = this.open.get(key) ?? emptyPlug(write);
    if (plug.expected === 1) this.open.delete(key);
    return plug;
  }
}

function plugKey(write: AppWrite): string {
  return `${write.node} ${typeof write.depthGroup} ${write.depthGroup}`;
}

function emptyPlug(write: AppWrite): Plug {
  return { submit: write.submit ?? "sync", expected: 1, bios: 0, waiting: 0, started: [] };
}

/** The script's writes, wakes and stops as one line in time; at one instant in this order. */
class Scripted {
  private readonly writes: Cursor<AppWrite>;
  private readonly wakes: Cursor<NonNullable<ReplayScript["wakes"]>[number]>;
  private readonly stops: Cursor<NonNullable<ReplayScript["stops"]>[number]>;

  constructor(script: ReplayScript) {
    this.writes = new Cursor(script.writes ?? []);
    this.wakes = new Cursor(script.wakes ?? []);
    this.stops = new Cursor(script.stops ?? []);
  }

  get nextNs(): number {
    return Math.min(this.writes.nextNs, this.wakes.nextNs, this.stops.nextNs);
  }

  take() {
    const { nextNs } = this;
    if (this.writes.nextNs === nextNs) return { op: "write", entry: this.writes.take() } as const;
    if (this.wakes.nextNs === nextNs) return { op: "wake", entry: this.wakes.take() } as const;
    return { op: "stop", entry: this.stops.take() } as const;
  }
}

class Cursor<T extends { readonly atSeconds: number }> {
  nextNs = NEVER;
  private readonly order: Uint32Array;
  private next = 0;

  constructor(private readonly entries: readonly T[]) {
    this.order = inTimeOrder(entries);
    this.look();
  }

  take(): T {
    const entry = this.entries[this.order[this.next] ?? 0];
    if (entry === undefined) throw new RangeError("the script has no further entry");
    this.next++;
    this.look();
    return entry;
  }

  private look(): void {
    const entry = this.next < this.order.length ? this.entries[this.order[this.next] ?? 0] : undefined;
    this.nextNs = entry === undefined ? NEVER : nanoseconds(entry.atSeconds);
  }
}
