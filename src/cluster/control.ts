/**
 * The memory that the main thread and all node workers share: the start barrier, the measured interval, the stop flag, and which
 * members of the array have failed.
 * Times are nanoseconds of CLOCK_MONOTONIC, which every thread of a process reads alike.
 */
const READY = 0;
const GO = 1;
const SETTLED = 2;
const MEASURE = 3;
const STOP = 4;
const FAILED = 5;
const UPDATES = 6;
const METADATA_LOCK = 7;
const WORDS = 8;
const TIMES_AT = WORDS * 4;
const MEMBERS_AT = TIMES_AT + 2 * 8;

export class Control {
  private readonly words: Int32Array;
  private readonly times: Float64Array;
  /** By member: 1 where it has failed. */
  private readonly memberFailed: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, WORDS);
    this.times = new Float64Array(buffer, TIMES_AT, 2);
    this.memberFailed = new Int32Array(buffer, MEMBERS_AT);
  }

  static forMembers(members: number): Control {
    return new Control(new SharedArrayBuffer(MEMBERS_AT + 4 * members));
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

  /** Members that have failed so far; nodes look at it before each plug. */
  get failedMembers(): number {
    return Atomics.load(this.words, FAILED);
  }

  get workingMembers(): number {
    return this.memberFailed.length - this.failedMembers;
  }

  hasFailed(member: number): boolean {
    return Atomics.load(this.memberFailed, member) !== 0;
  }

  /** Superblock updates so far: the array's events have grown by them. */
  get metadataUpdates(): number {
    return Atomics.load(this.words, UPDATES);
  }

  /** Under `withMetadata` alone. */
  markFailed(member: number): void {
    if (Atomics.exchange(this.memberFailed, member, 1) === 0) Atomics.add(this.words, FAILED, 1);
  }

  /** Under `withMetadata` alone. */
  countMetadataUpdate(): void {
    Atomics.add(this.words, UPDATES, 1);
  }

  /** One node at a time changes which members have failed and writes the superblocks; the others wait, as for md's token. */
  withMetadata<T>(work: () => T): T {
    while (Atomics.compareExchange(this.words, METADATA_LOCK, 0, 1) !== 0)
      Atomics.wait(this.words, METADATA_LOCK, 1);
    try {
      return work();
    } finally {
      Atomics.store(this.words, METADATA_LOCK, 0);
      Atomics.notify(this.words, METADATA_LOCK);
    }
  }
}
