/**
 * A node's side of the message channel: what it sends is encoded, sent in turn, and told to those who watch. One sender a
 * node; work that belongs together keeps the token (SEND_LOCKED_ALREADY of md-cluster), and meanwhile this node receives
 * nothing and nobody else sends.
 */
import type { Channel } from "../dlm/channel.js";
import { monotonicNs } from "../storage/monotonic.js";
import type { ClusterOccurrence } from "./cluster-event.js";
import { type ClusterMessage, encodeClusterMessage } from "./message.js";

type WithoutSlot<M> = M extends ClusterMessage ? Omit<M, "slot"> : never;

/** A message as its sender states it. */
export type Outgoing = WithoutSlot<ClusterMessage>;

/** The token, held. Valid until the work that it was given to is over. */
export interface Token {
  /** Broadcasts under the token. @throws LockError ETIMEDOUT, ECANCELED, ESHUTDOWN */
  send(message: Outgoing): Promise<void>;
}

export class Messenger {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly channel: Channel,
    private readonly slot: number,
    private readonly tell: (atNs: number, occurrence: ClusterOccurrence) => void,
    /** Takes in what the lockspace has to say: above all a death that let this node go on. */
    private readonly hearLockspace: () => void,
  ) {}

  /**
   * Broadcasts, and resolves once every other node has processed the message.
   * @throws LockError ETIMEDOUT: some nodes may have processed it; ECANCELED, ESHUTDOWN: this node is gone
   */
  send(message: Outgoing): Promise<void> {
    return this.inTurn(() => this.broadcast(message));
  }

  /**
   * Takes the token for as long as `work` lasts. What is decided from the array's metadata is decided here, since nothing
   * is received meanwhile. `work` must not send but by the token that it is given.
   * @throws LockError as `send`, and what `work` throws
   */
  withToken<T>(work: (token: Token) => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      await this.channel.takeToken();
      this.hearLockspace();
      const atNs = monotonicNs();
      try {
        return await work({ send: (message) => this.broadcast(message) });
      } finally {
        // Where the channel is closed the token is gone with it.
        await this.channel.releaseToken().catch(() => {});
        this.tell(atNs, { kind: "tokenHeld", durationNs: monotonicNs() - atNs });
      }
    });
  }

  private async broadcast(message: Outgoing): Promise<void> {
    const atNs = monotonicNs();
    const { type } = message;
    try {
      const times = await this.channel.send(encodeClusterMessage({ ...message, slot: this.slot }));
      this.hearLockspace();
      this.tell(atNs, { kind: "messageSent", type, durationNs: monotonicNs() - atNs, times });
    } catch (error) {
      this.tell(atNs, { kind: "messageFailed", type, error: String(error) });
      throw error;
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => {});
    return turn;
  }
}
