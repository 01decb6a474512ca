/**
 * The embedded backend: a node of a lockspace that all threads of this process share.
 */
import type { Channel, ChannelOptions } from "./channel.js";
import { EmbeddedNode } from "./embedded-node.js";
import { LockError } from "./lock-error.js";
import type { LockMode } from "./lock-mode.js";
import type {
  Lockspace,
  Member,
  RecoveryEvent,
  Requested,
  RequestOptions,
  WaitOptions,
  WaitOutcome,
} from "./lockspace.js";

export interface EmbeddedJoin {
  /** 1 to 64 bytes. Every thread of this process that names it joins the same lockspace. */
  readonly lockspace: string;
  /** From 1; one number, one node. */
  readonly node: number;
  /**
   * What the others see when this thread ends without leaving: a clean departure (default), or a death, with recovery and
   * value blocks that may be invalid.
   */
  readonly onExit?: "leave" | "die";
  readonly onRecovery?: (event: RecoveryEvent) => void;
}

/**
 * Joins at once. The node is this thread's own: N worker threads that join are N nodes.
 * @throws LockError EEXIST for a number that is in use, EINVAL for number 0 and for names that are empty or too long
 */
export function joinEmbeddedLockspace(join: EmbeddedJoin): EmbeddedLockspace {
  return new EmbeddedLockspace(join);
}

export class EmbeddedLockspace implements Lockspace {
  readonly backend = "embedded";
  readonly lvbBytes = 64;
  readonly #node: EmbeddedNode;

  constructor(join: EmbeddedJoin) {
    if (!Number.isInteger(join.node) || join.node < 1 || join.node > 0xffff_ffff) {
      throw new LockError(
        "EINVAL",
        "dlm-node-number",
        `node number ${String(join.node)} is no integer from 1 to 4294967295`,
        "Use a number of 1 or more.",
      );
    }
    this.#node = new EmbeddedNode(join.lockspace, join.node, join.onExit === "die", join.onRecovery);
  }

  get name(): string {
    return this.#node.lockspace;
  }

  get node(): number {
    return this.#node.node;
  }

  get slot(): number {
    return this.#node.slot;
  }

  get gone(): boolean {
    return this.#node.gone;
  }

  request(name: string, mode: LockMode, options?: RequestOptions): Requested {
    return this.#node.request(name, mode, options);
  }

  members(): Member[] {
    const numbers = this.#node.members();
    const members: Member[] = [];
    for (let at = 0; at + 1 < numbers.length; at += 2) {
      members.push({ node: numbers[at] ?? 0, slot: numbers[at + 1] ?? 0 });
    }
    return members;
  }

  waitSync(options?: WaitOptions): WaitOutcome {
    return this.#node.waitSync(options);
  }

  ref(): void {
    this.#node.reference(true);
  }

  unref(): void {
    this.#node.reference(false);
  }

  openChannel(options: ChannelOptions): Promise<Channel> {
    return this.#node.openChannel(options);
  }

  leave(options?: { readonly force?: boolean }): Promise<void> {
    this.#node.leave(options?.force === true);
    return Promise.resolve();
  }

  /**
   * Declares other nodes dead, all at once, whether or not their threads live: what a cluster does to a node that it has
   * lost. Embedded only. @throws LockError ENOENT where one is no member; then nothing happens
   */
  declareDead(nodes: readonly number[]): void {
    this.#node.declareDead(nodes);
  }
}
