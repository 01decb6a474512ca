/**
 * A lock: what its node keeps of it, and the handle that its user holds.
 */

import type { LockMode } from "./lock-mode.js";
import type { LockNode } from "./lock-node.js";
import type {
  Completion,
  ConvertOptions,
  LockHandle,
  RequestOptions,
  UnlockOptions,
  WaitOptions,
} from "./lockspace.js";

/**
 * What the node keeps. It must not refer to the handle while no operation is outstanding: the handle's collection is what
 * releases a forgotten lock.
 */
export class LockState {
  mode: LockMode | null = null;
  idLow = 0;
  idHigh = 0;
  released = false;
  last: Completion | null = null;
  /** Resolves the promise of the request or conversion that is outstanding. */
  resolve: ((completion: Completion) => void) | null = null;
  resolveUnlock: ((completion: Completion) => void) | null = null;
  /** Keeps the handle while an operation is outstanding. */
  held: NodeLock | null = null;
  handle: WeakRef<NodeLock> | null = null;

  constructor(
    readonly name: string,
    readonly tag: number,
    readonly onBlocking: RequestOptions["onBlocking"],
  ) {}

  get outstanding(): boolean {
    return this.resolve !== null || this.resolveUnlock !== null;
  }
}

/** Weakly: a pending registration must keep neither node nor lock from being collected. */
const forgotten = new FinalizationRegistry<{ node: WeakRef<LockNode>; tag: number }>(({ node, tag }) => {
  node.deref()?.releaseForgotten(tag);
});

export class NodeLock implements LockHandle {
  readonly #node: LockNode;
  readonly #state: LockState;

  constructor(node: LockNode, state: LockState) {
    this.#node = node;
    this.#state = state;
    state.handle = new WeakRef(this);
    forgotten.register(this, { node: node.weak, tag: state.tag });
  }

  get name(): string {
    return this.#state.name;
  }

  get mode(): LockMode | null {
    return this.#state.mode;
  }

  get outstanding(): boolean {
    return this.#state.outstanding;
  }

  convert(mode: LockMode, options?: ConvertOptions): Promise<Completion> {
    return this.#node.convert(this, this.#state, mode, options);
  }

  unlock(options?: UnlockOptions): Promise<Completion> {
    return this.#node.unlock(this, this.#state, options);
  }

  cancel(): void {
    this.#node.cancel(this.#state);
  }

  waitSync(options?: WaitOptions): Completion | null {
    return this.#node.waitForLock(this.#state, options);
  }
}
