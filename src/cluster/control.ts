/**
 * The memory that the main thread and all node workers share: the start barrier, the measured interval and the stop flag.
 * Times are nanoseconds of CLOCK_MONOTONIC, which every thread of a process reads alike.
 */
const READY = 0;
const GO = 1;
const SETTLED = 2;
const MEASURE = 3;
const STOP = 4;
const WORDS = 8;

export class Control {
  private readonly words: Int32Array;
  private readonly times: Float64Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4 + 16)) {
    this.words = new Int32Array(buffer, 0, WORDS);
    this.times = new Float64Array(buffer, WORDS * 4, 2);
  }

  /** Node: set up; waits for the others. Returns false where the run was stopped meanwhile. */
  arriveAndWait(): boolean {
    Atomics.add(this.words, READY, 1);
    Atomics.wait(this.words, GO, 0);
    return !this.stopped;
  }

  get readyNodes(): number {
    return Atomics.load(this.words, READY);
  }

  start(): void {
    Atomics.store(this.words, GO, 1);
    Atomics.notify(this.words, GO);
  }

  /** Node: its warm-up is over and its bits have settled (or will not). */
  settle(): void {
    Atomics.add(this.words, SETTLED, 1);
  }

  get settledNodes(): number {
    return Atomics.load(this.words, SETTLED);
  }

  measure(fromNs: number, untilNs: number): void {
    this.times[0] = fromNs;
    this.times[1] = untilNs;
    Atomics.store(this.words, MEASURE, 1);
  }

  /** The measured interval once it has been set. */
  get interval(): { readonly fromNs: number; readonly untilNs: number } | null {
    if (Atomics.load(this.words, MEASURE) === 0) return null;
    return { fromNs: this.times[0] ?? 0, untilNs: this.times[1] ?? 0 };
  }

  /** Ends the trial at every node's next plug, also at the barrier. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
    this.start();
  }

  get stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }
}
