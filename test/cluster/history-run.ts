/**
 * Runs a planned history on nodes that share this thread, heals what the history broke, and looks at what is left: nothing
 * hangs, all nodes agree, every completed write is on every active member, and the members are consistent.
 */
import fs from "node:fs";
import { setTimeout as pauseMs } from "node:timers/promises";
import { isInSync } from "../../src/cluster/array-members.js";
import { type ArrayNode, joinArray } from "../../src/cluster/array-node.js";
import { type ArrayStorage, createArrayStorage, NodeDeath } from "../../src/cluster/array-storage.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { SlotmarkError } from "../../src/errors.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { type HistoryArray, historyArray } from "./history-array.js";
import { BLOCK_BYTES, BlockContents, markOf } from "./history-contents.js";
import { faultyStorage, NodeFaults } from "./history-faults.js";
import { type Action, type Death, type HistoryPlan, PLACES_IN_ARRAY, type Place } from "./history-plan.js";
import { isSettled } from "./settled.js";

export interface HistoryOptions {
  readonly variant?: "safe" | "mainline" | "original";
  /** Of every wait for a lock, message or device. */
  readonly timeoutMs: number;
  /** Whoever takes longer hangs. */
  readonly hangsMs: number;
  /** Told what each node's event was, by the node's number. */
  readonly watch?: (number: number, event: ClusterEvent) => void;
}

/** What a history found wrong. */
export class HistoryFailure extends Error {
  override readonly name = "HistoryFailure";
}

interface HistoryNode {
  readonly number: number;
  readonly node: ArrayNode;
  readonly faults: NodeFaults;
  /** Where it looks for announced disks. */
  readonly sees: string[];
  /** It leaves announced disks to its user. */
  readonly silent: boolean;
}

const MD_MAGIC_BYTES = Buffer.from([0xfc, 0x4e, 0x2b, 0xa9]);

let storage: ArrayStorage | undefined;

export class History {
  /** What happened, a line each, for whoever reads about a failure. */
  readonly log: string[] = [];
  private readonly contents = new BlockContents();
  private readonly broken = new Set<string>();
  private nodes: HistoryNode[] = [];
  private joined = 0;

  private constructor(
    private readonly plan: HistoryPlan,
    private readonly options: HistoryOptions,
    private readonly array: HistoryArray,
    private readonly name: string,
  ) {}

  /** @throws HistoryFailure, with the history's log */
  static async run(plan: HistoryPlan, name: string, options: HistoryOptions): Promise<void> {
    const array = await historyArray(plan);
    const history = new History(plan, options, array, name);
    try {
      await history.live();
    } catch (error) {
      const what =
        error instanceof HistoryFailure ? error.message : `${error instanceof Error ? error.stack : error}`;
      throw new HistoryFailure(`${what}\n${history.log.map((line) => `  ${line}`).join("\n")}`);
    } finally {
      for (const { node } of history.nodes) if (!node.gone) node.die();
      array.remove();
    }
  }

  private async live(): Promise<void> {
    await this.join(null, true);
    for (const step of this.plan.steps) await Promise.all(step.map((action) => this.perform(action)));
    await this.heal();
    await this.judge("healed");
    for (const { node } of this.alive()) await this.attempt(`leave ${node.slot}`, () => node.leave());
    await this.judge("left");
  }

  private alive(): HistoryNode[] {
    this.nodes = this.nodes.filter(({ node }) => !node.gone);
    return this.nodes;
  }

  private perform(action: Action): Promise<unknown> {
    if (action.op === "settle") return this.settle();
    if (action.op === "join") return this.join(action.death, action.answers);
    const alive = this.alive();
    if (action.op === "break") {
      this.breakMember(
        action.member,
        action.node === null ? null : alive[action.node % Math.max(1, alive.length)],
      );
      return Promise.resolve();
    }
    const chosen = alive[action.node % Math.max(1, alive.length)];
    if (chosen === undefined) return Promise.resolve();
    const { node, faults, number } = chosen;
    switch (action.op) {
      case "write":
        return this.write(chosen, action.places);
      case "pass":
        return this.attempt(`${number} passes`, async () => {
          for (let pass = 0; pass < action.count; pass++) await node.daemonPass();
        });
      case "leave":
        if (action.death !== null) faults.arm(action.death);
        return this.attempt(`${number} leaves`, () => node.leave());
      case "die":
        this.log.push(`${number} dies`);
        node.die();
        return Promise.resolve();
      case "arm":
        this.log.push(`${number} is to die: ${JSON.stringify(action.death)}`);
        faults.arm(action.death);
        return Promise.resolve();
      case "fail":
        return this.failMember(chosen, action.member);
      case "add":
        return this.addDisk(chosen, action.disk, action.seenBy);
      case "answer": {
        const path = this.diskPath(action.disk);
        const what = `${number} says that ${path} is ${action.found ? "there" : "missing"}`;
        return this.attempt(what, async () => {
          if (action.found) await node.confirmDisk(this.plan.members + (action.disk % 3), path);
          else node.refuseDisk();
        });
      }
      case "remove": {
        const faulty = node.members.filter(({ role }) => role === "faulty");
        const member = faulty[action.member % Math.max(1, faulty.length)];
        if (member === undefined) return Promise.resolve();
        return this.attempt(`${number} removes ${member.deviceNumber}`, () =>
          node.removeMember(member.deviceNumber),
        );
      }
    }
  }

  private async join(death: Death | null, answers: boolean): Promise<void> {
    if (this.alive().length >= this.plan.nodes) return;
    const number = ++this.joined;
    const faults = new NodeFaults();
    if (death !== null) faults.arm(death);
    storage ??= createArrayStorage();
    const { timeoutMs } = this.options;
    const memberPaths = this.carriers();
    const sees = memberPaths.slice();
    let joined: ArrayNode | undefined;
    const onEvent = (event: ClusterEvent) => {
      this.options.watch?.(number, event);
      if (faults.isLast("event") && joined !== undefined && !joined.gone && event.kind !== "died")
        joined.die();
    };
    await this.attempt(`${number} joins${death === null ? "" : ` ${JSON.stringify(death)}`}`, async () => {
      const node = await joinArray({
        joinLockspace: ({ onRecovery }) =>
          joinEmbeddedLockspace({ lockspace: this.name, node: number, onRecovery }),
        memberPaths,
        visiblePaths: sees,
        newDisks: answers ? "search" : "manual",
        storage: faultyStorage({
          storage: storage ?? createArrayStorage(),
          faults,
          broken: this.broken,
          dataOffsetBytes: this.array.geometry.dataOffsetSectors * 512,
        }),
        daemon: "manual",
        timeouts: { lockMs: timeoutMs, newDeviceMs: timeoutMs / 2, addTurnMs: timeoutMs },
        variant: this.options.variant ?? "safe",
        onEvent,
      });
      joined = node;
      this.nodes.push({ number, node, faults, sees, silent: !answers });
      this.log.push(`${number} has slot ${node.slot}`);
    });
  }

  private paths(): readonly string[] {
    return [...this.array.members, ...this.array.disks];
  }

  /** What carries a superblock and is not broken. */
  private carriers(): string[] {
    return this.paths().filter(
      (path) => !this.broken.has(path) && this.read(path, 4096, 4).equals(MD_MAGIC_BYTES),
    );
  }

  /** A disk, or a member that the array has given up. */
  private diskPath(index: number): string {
    const taken = new Set(this.alive().flatMap(({ node }) => node.members.map(({ device }) => device.path)));
    const free = this.paths().filter((path) => !taken.has(path));
    const from = free.length > 0 ? free : this.paths();
    return from[index % from.length] ?? "";
  }

  private async addDisk({ number, node }: HistoryNode, disk: number, seenBy: number): Promise<void> {
    const path = this.diskPath(disk);
    for (const other of this.alive()) {
      const at = other.sees.indexOf(path);
      if (at >= 0) other.sees.splice(at, 1);
      if ((seenBy >> (other.number % 16)) & 1) other.sees.push(path);
    }
    await this.attempt(`${number} adds ${path}, seen by ${seenBy.toString(2)}`, () =>
      node.addDisk({ path, destroy: true }),
    );
  }

  private async write({ number, node, faults }: HistoryNode, places: readonly Place[]): Promise<void> {
    const blocks = [...new Set(places.map((place) => this.blockOf(place)))].filter(
      (block) => !this.contents.isOpen(block),
    );
    if (blocks.length === 0) return;
    const mark = this.contents.begin(blocks);
    for (const block of blocks) faults.marks.set(block, mark);
    const writes = blocks.map((block) => ({ offsetBytes: block * BLOCK_BYTES, lengthBytes: BLOCK_BYTES }));
    const done = await this.attempt(`${number} writes ${blocks.join(" ")} as ${mark}`, () =>
      node.writePlug(writes),
    );
    this.contents.end(blocks, mark, done);
  }

  private blockOf({ chunk, block }: Place): number {
    const { chunks, chunkSectors, syncSizeSectors } = this.array.geometry;
    const first = Math.floor((chunk * (chunks - 1)) / (PLACES_IN_ARRAY - 1)) * chunkSectors;
    const blocksInChunk = Math.max(1, chunkSectors / 8);
    return Math.min(first / 8 + (block % blocksInChunk), Math.floor(syncSizeSectors / 8) - 1);
  }

  /** One member stays whole for all nodes: an array that has lost everything has no more to show. */
  private breakMember(index: number, by: HistoryNode | undefined | null): void {
    const alive = this.alive();
    const whole = this.paths().filter(
      (path) =>
        !this.broken.has(path) &&
        alive.every(
          ({ node, faults }) =>
            !faults.unreachable.has(path) &&
            node.members.some((member) => member.device.path === path && isInSync(member)),
        ),
    );
    const path = this.paths()[index % this.paths().length];
    if (by === undefined || path === undefined || whole.filter((other) => other !== path).length === 0)
      return;
    this.log.push(`${path} breaks for ${by === null ? "all" : by.number}`);
    if (by === null) this.broken.add(path);
    else by.faults.unreachable.add(path);
  }

  private async failMember({ number, node }: HistoryNode, index: number): Promise<void> {
    const places = node.members.filter(({ role }) => typeof role === "number");
    const member = places[index % Math.max(1, places.length)];
    if (member === undefined || this.broken.size > 0) return;
    if (this.alive().some(({ faults }) => faults.unreachable.size > 0)) return;
    await this.attempt(`${number} fails ${member.deviceNumber}`, () => node.failMember(member.deviceNumber));
  }

  /** @returns whether it succeeded. What a user could be told is no failure of the history; a defect, or a hang, is. */
  private async attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
    this.log.push(what);
    try {
      await this.bounded(what, work());
      return true;
    } catch (error) {
      if (error instanceof NodeDeath) {
        this.log.push(`${what}: died`);
        return false;
      }
      if (!(error instanceof SlotmarkError) || error.kind === "defect") throw error;
      this.log.push(`${what}: ${error.code}: ${error.message}`);
      return false;
    }
  }

  private async bounded<T>(what: string, work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const hang = pauseMs(this.options.hangsMs, undefined, { signal: over.signal }).then(() => {
      throw new HistoryFailure(`${what}: hangs`);
    });
    hang.catch(() => {});
    try {
      return await Promise.race([work, hang]);
    } finally {
      over.abort();
    }
  }

  /** Waits until no node has anything left to do. */
  private async settle(): Promise<void> {
    this.log.push("settle");
    const until = Date.now() + this.options.hangsMs;
    for (let quiet = 0; quiet < 3; ) {
      quiet = this.alive().every(({ node }) => isSettled(node)) ? quiet + 1 : 0;
      if (Date.now() > until) {
        throw new HistoryFailure(`does not settle: slots ${this.alive().map(({ node }) => node.slot)}`);
      }
      await pauseMs(1);
    }
  }

  /** Mends what is broken, brings the array back to all its places, and lets everything come to rest. */
  private async heal(): Promise<void> {
    this.log.push("heal");
    this.broken.clear();
    for (const { faults } of this.alive()) {
      faults.death = null;
      faults.unreachable.clear();
    }
    await this.settle();
    if (this.alive().length === 0) {
      await this.join(null, true);
      if (this.alive().length === 0) throw new HistoryFailure("nobody can join any more");
      await this.settle();
    }
    // Failures that could not be told are told with the next write.
    for (const node of this.alive())
      await this.write(node, [{ chunk: node.number % PLACES_IN_ARRAY, block: 7 }]);
    await this.settle();
    await this.replaceFaulty();
    await this.settle();
    for (let pass = 0; pass < 4; pass++) {
      for (const { node, number } of this.alive())
        await this.attempt(`${number} passes`, () => node.daemonPass());
    }
  }

  private async replaceFaulty(): Promise<void> {
    const [first] = this.alive();
    if (first === undefined) return;
    const { node } = first;
    for (const other of this.alive()) {
      if (other.silent && other !== first)
        await this.attempt(`${other.number} leaves`, () => other.node.leave());
    }
    for (const { deviceNumber } of node.members.filter(({ role }) => role === "faulty")) {
      await this.attempt(`remove ${deviceNumber}`, () => node.removeMember(deviceNumber));
    }
    for (let disk = 0; node.state.members.written.length < this.plan.members && disk < 6; disk++) {
      await this.addDisk(first, disk, 0xffff);
      await this.settle();
    }
    if (node.gone || node.state.members.written.length < this.plan.members) {
      throw new HistoryFailure("the array cannot be made whole again");
    }
  }

  private async judge(when: string): Promise<void> {
    this.log.push(`judge: ${when}`);
    this.judgeViews();
    const { violations } = await checkConsistencyOf(this.memberPaths());
    const [violation] = violations;
    if (violation !== undefined) throw new HistoryFailure(`${when}: ${violation.code}: ${violation.message}`);
    this.judgeContents(when);
  }

  private judgeViews(): void {
    const views = this.alive().map(({ node }) =>
      JSON.stringify({
        events: node.state.events,
        // A spare that a node has never seen is none to it.
        members: node.members
          .filter(({ role }) => role !== "spare")
          .map(({ deviceNumber, role, recoveredSectors }) => [deviceNumber, role, String(recoveredSectors)])
          .sort(),
      }),
    );
    if (new Set(views).size > 1) throw new HistoryFailure(`nodes disagree:\n${views.join("\n")}`);
  }

  private judgeContents(when: string): void {
    const dataAt = this.array.geometry.dataOffsetSectors * 512;
    for (const path of this.memberPaths()) {
      for (const [block, allowed] of this.contents.written()) {
        const mark = markOf(this.read(path, dataAt + block * BLOCK_BYTES, 16));
        if (allowed.includes(mark)) continue;
        throw new HistoryFailure(
          `${when}: block ${block} of ${path} holds write ${mark}, expected one of ${allowed.join(", ")}`,
        );
      }
    }
  }

  private lastMembers: readonly string[] = [];

  /** Members with a place, as the nodes that are left have it, or had it when they left. */
  private memberPaths(): readonly string[] {
    const [first] = this.alive();
    if (first !== undefined) {
      this.lastMembers = first.node.members
        .filter(({ role }) => typeof role === "number")
        .map(({ device }) => device.path);
    }
    return this.lastMembers;
  }

  private read(path: string, offsetBytes: number, lengthBytes: number): Buffer {
    const bytes = Buffer.alloc(lengthBytes);
    const descriptor = fs.openSync(path, "r");
    try {
      fs.readSync(descriptor, bytes, 0, lengthBytes, offsetBytes);
    } finally {
      fs.closeSync(descriptor);
    }
    return bytes;
  }
}
