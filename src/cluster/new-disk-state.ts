/**
 * What a node remembers while another one adds a disk: the announcement that waits for an answer
 * (MD_CLUSTER_WAITING_FOR_NEWDISK), who announced each candidate, and whether this node has given up its veto.
 */
import type { Channel } from "../dlm/channel.js";

/** `none`: nobody answered in time. `ended`: this node is gone. */
export type NewDiskAnswer = "candidate" | "missing" | "none" | "ended";

export interface Announcement {
  /** The device's number in the array. */
  readonly number: number;
  /** 36 characters. */
  readonly deviceUuid: string;
  /** Who adds it, by its number in the lockspace. */
  readonly initiator: number;
}

/** An announcement that waits. The first answer counts. */
export class NewDiskWait {
  readonly answered: Promise<NewDiskAnswer>;
  /** Ends the search for the device: there is an answer. */
  readonly signal: AbortSignal;
  /** The device is a candidate already, and the veto is going: that is the answer, however long the conversion takes. */
  claimed = false;
  private readonly stop = new AbortController();
  private resolve: (answer: NewDiskAnswer) => void = () => {};

  constructor(readonly announcement: Announcement) {
    this.signal = this.stop.signal;
    this.answered = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  claim(): void {
    this.claimed = true;
  }

  timeIsOver(): void {
    if (!this.claimed) this.answer("none");
  }

  answer(answer: NewDiskAnswer): void {
    this.resolve(answer);
    this.stop.abort();
  }
}

export class NewDiskState {
  waiting: NewDiskWait | null = null;
  /** no-new-dev is at NL. */
  agreed = false;
  /** By the candidates' device numbers; null once their initiator is known to be gone. */
  private readonly initiators = new Map<number, number | null>();
  private conversion: Promise<unknown> = Promise.resolve();
  private readonly ownAdds = new Set<Promise<unknown>>();

  /** Takes back the veto, or gives it up; one conversion after the other. @throws LockError */
  async setVeto(channel: Channel, veto: boolean): Promise<void> {
    const turn = this.conversion.then(async () => {
      await channel.convertNoNewDev(veto ? "CR" : "NL");
      this.agreed = !veto;
    });
    this.conversion = turn.catch(() => {});
    await turn;
  }

  /** An add of this node's own, which must come to its end before the node leaves: the others wait for its decision. */
  async keepFromLeaving<T>(adding: Promise<T>): Promise<T> {
    this.ownAdds.add(adding);
    try {
      return await adding;
    } finally {
      this.ownAdds.delete(adding);
    }
  }

  /** Resolves when no add of this node's own is under way. */
  async ownAddsEnded(): Promise<void> {
    while (this.ownAdds.size > 0) await Promise.allSettled(this.ownAdds);
  }

  announcedBy(number: number, initiator: number): void {
    this.initiators.set(number, initiator);
  }

  /** A node died: what it announced will not be decided by it. */
  initiatorDied(node: number): void {
    for (const [number, initiator] of this.initiators) {
      if (initiator === node) this.initiators.set(number, null);
    }
  }

  /** Whether the node that announced this candidate may still decide about it. */
  isInitiatorAmong(number: number, nodes: readonly { readonly node: number }[]): boolean {
    const initiator = this.initiators.get(number);
    return nodes.some(({ node }) => node === initiator);
  }

  end(): void {
    this.waiting?.answer("ended");
  }
}
