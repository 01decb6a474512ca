/**
 * A lockspace as its user holds it: the interface over a node of either backend.
 */
import type { DlmNode } from "./addon.js";
import type { Channel, ChannelOptions } from "./channel.js";
import type { LockMode } from "./lock-mode.js";
import type { LockNode } from "./lock-node.js";
import type {
  Backend,
  Lockspace,
  Member,
  OwnSlot,
  PublishedResyncRange,
  Requested,
  RequestOptions,
  WaitOptions,
  WaitOutcome,
} from "./lockspace.js";
import { readResyncRange } from "./own-slot.js";

export abstract class NodeLockspace implements Lockspace {
  readonly lvbBytes = 64;
  abstract readonly lvbUsableBytes: 32 | 64;
  abstract holdOwnSlot(options?: { readonly signal?: AbortSignal }): Promise<OwnSlot>;

  protected constructor(protected readonly lockNode: LockNode) {}

  get backend(): Backend {
    return this.lockNode.backend;
  }

  get name(): string {
    return this.lockNode.lockspace;
  }

  get node(): number {
    return this.lockNode.node;
  }

  get slot(): number {
    return this.lockNode.slot;
  }

  /** For what is measured on native threads (`measure-node.ts`). */
  get native(): DlmNode {
    return this.lockNode.native;
  }

  get gone(): boolean {
    return this.lockNode.gone;
  }

  request(name: string, mode: LockMode, options?: RequestOptions): Requested {
    return this.lockNode.request(name, mode, options);
  }

  resyncRangeOf(slot: number): Promise<PublishedResyncRange> {
    return readResyncRange(this, slot);
  }

  members(): Member[] {
    const numbers = this.lockNode.members();
    const members: Member[] = [];
    for (let at = 0; at + 1 < numbers.length; at += 2) {
      members.push({ node: numbers[at] ?? 0, slot: numbers[at + 1] ?? 0 });
    }
    return members;
  }

  waitSync(options?: WaitOptions): WaitOutcome {
    return this.lockNode.waitSync(options);
  }

  ref(): void {
    this.lockNode.reference(true);
  }

  unref(): void {
    this.lockNode.reference(false);
  }

  openChannel(options: ChannelOptions): Promise<Channel> {
    return this.lockNode.openChannel(options);
  }

  leave(options?: { readonly force?: boolean }): Promise<void> {
    return this.lockNode.leave(options?.force === true);
  }
}
