/**
 * What the workers of a measurement share: start barrier, the moment of the last release, and words to hand turns with.
 */
const ARRIVED = 0;
const HAND_OVERS = 1;
const TURNS = 2;
const OVER = 4;
const WORDS = 8;

export class Stage {
  private readonly words: Int32Array;
  private readonly times: BigInt64Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4 + 8)) {
    this.words = new Int32Array(buffer, 0, WORDS);
    this.times = new BigInt64Array(buffer, WORDS * 4, 1);
  }

  /** Blocks the thread until all have come, for the `round`th time (from 1). */
  meet(round: number, nodes: number): void {
    const wanted = round * nodes;
    if (Atomics.add(this.words, ARRIVED, 1) + 1 >= wanted) Atomics.notify(this.words, ARRIVED);
    for (;;) {
      const arrived = Atomics.load(this.words, ARRIVED);
      if (arrived >= wanted) return;
      Atomics.wait(this.words, ARRIVED, arrived);
    }
  }

  /** `process.hrtime.bigint()` of the release; every thread of a process reads the same clock. */
  get givenAt(): bigint {
    return Atomics.load(this.times, 0);
  }

  set givenAt(nanoseconds: bigint) {
    Atomics.store(this.times, 0, nanoseconds);
  }

  /** Counts a hand-over; returns how many there were before. */
  countHandOver(): number {
    return Atomics.add(this.words, HAND_OVERS, 1);
  }

  /** Sleeps until it is this player's turn (0 or 1). */
  waitForTurn(player: 0 | 1): void {
    while (Atomics.exchange(this.words, TURNS + player, 0) === 0) {
      Atomics.wait(this.words, TURNS + player, 0);
    }
  }

  giveTurn(player: 0 | 1): void {
    Atomics.store(this.words, TURNS + player, 1);
    Atomics.notify(this.words, TURNS + player);
  }

  get over(): boolean {
    return Atomics.load(this.words, OVER) === 1;
  }

  end(): void {
    Atomics.store(this.words, OVER, 1);
  }
}
