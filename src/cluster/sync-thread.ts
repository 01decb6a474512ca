/**
 * A node's sync thread (md_do_sync, spec §4.5): while there is work it takes `resync` in EX, for one node of the cluster
 * resyncs at a time, looks again, and brings the members in line. It begins anew whenever somebody says that there may be
 * work; where the other nodes do not answer it tries again.
 */
import { setTimeout as pauseMs } from "node:timers/promises";
import { LockError } from "../dlm/lock-error.js";
import { SlotmarkError } from "../errors.js";
import { monotonicNs } from "../storage/monotonic.js";
import { dieOf } from "./death.js";
import type { NodeState } from "./node-state.js";
import { placeLeftSpares } from "./place-spares.js";
import { endWindow, performSync } from "./sync-run.js";
import { nextSyncWork } from "./sync-work.js";

export class SyncThread {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  /** Somebody asked for a look since the last one. */
  private asked = false;
  private waiting: (() => void)[] = [];

  constructor(private readonly state: NodeState) {
    state.onEnd(() => this.stopping.abort());
  }

  /** Nothing is being resynced, and nobody has asked for a look. */
  get idle(): boolean {
    return this.running === null;
  }

  /** There may be work. Where `sync` is manual nothing happens. */
  wake(): void {
    if (this.state.options.sync === "auto") this.start();
  }

  /** Looks now, also where `sync` is manual; resolves when nothing is left that can be done. */
  async run(): Promise<void> {
    this.start();
    while (this.running !== null) await this.running;
  }

  /** Ends before the next unit, and never begins again. What is left stays NEEDED. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Resolves once no work is left; at once where there is none. Never where the node ends before. */
  async finished(): Promise<void> {
    if (nextSyncWork(this.state) !== null) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private start(): void {
    this.asked = true;
    if (this.stopping.signal.aborted || this.running !== null) return;
    this.running = this.loop();
  }

  private async loop(): Promise<void> {
    try {
      await this.lookWhileAsked();
    } finally {
      // At once, so that whoever asks from here on begins anew.
      this.running = null;
    }
  }

  private async lookWhileAsked(): Promise<void> {
    const { state } = this;
    const { signal } = this.stopping;
    while (this.asked && !signal.aborted) {
      this.asked = false;
      try {
        await state.ready;
        await placeLeftSpares(state);
        while (nextSyncWork(state) !== null && (await this.turn()));
      } catch (error) {
        await this.failed(error);
      }
      if (nextSyncWork(state) === null) for (const resolve of this.waiting.splice(0)) resolve();
    }
  }

  /** One piece of work under the lock. @returns whether to look for more at once */
  private async turn(): Promise<boolean> {
    const { state } = this;
    const { signal } = this.stopping;
    const { channel } = state;
    const atNs = monotonicNs();
    await channel.convertResync("EX", { wait: "forever", signal });
    try {
      await state.settling.settled();
      const work = nextSyncWork(state);
      if (work === null) return false;
      const waited = { lowSector: work.fromSector, highSector: 0, durationNs: monotonicNs() - atNs };
      state.tell({ kind: "resync", phase: "lockTaken", ...waited }, atNs);
      const more = await performSync(state, work, signal);
      // What cannot be done now is no reason to look again, though its own metadata updates asked for it. Whoever asks while
      // the lock goes has new work.
      if (!more) this.asked = false;
      return more;
    } finally {
      if (!state.gone) await channel.convertResync("NL", { wait: "forever" });
    }
  }

  private async failed(error: unknown): Promise<void> {
    const { state } = this;
    const { signal } = this.stopping;
    dieOf(state, error);
    if (state.gone || signal.aborted) return;
    if (!(error instanceof SlotmarkError)) throw error;
    const nothing = { lowSector: 0, highSector: 0, durationNs: 0 };
    state.tell({ kind: "resync", phase: "failed", ...nothing });
    await this.endWindow();
    if (!(error instanceof LockError)) return;
    this.asked = true;
    await this.pause();
  }

  /** Of a resync that failed: until the others hear of its end their writers stand still, whoever does the work now. */
  private async endWindow(): Promise<void> {
    const { state } = this;
    while (state.windowOpen && !state.gone && !this.stopping.signal.aborted) {
      try {
        await endWindow(state);
      } catch (error) {
        dieOf(state, error);
        if (!(error instanceof SlotmarkError)) throw error;
        if (state.windowOpen) await this.pause();
      }
    }
  }

  private async pause(): Promise<void> {
    const { signal } = this.stopping;
    await pauseMs(this.state.options.timeouts.lockMs, undefined, { signal }).catch(() => {});
  }
}
