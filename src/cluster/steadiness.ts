/**
 * Whether a slot's bitmap has found its rhythm (design, "Measuring honestly"): `steady` after at least 3 passes where the bits
 * on disk at the ends of the last 3 passes lie within 5 %; `hot` where no bit was set or cleared for 3 passes.
 *
 * A few bits never lie within 5 %: writes to random chunks leave n bits with a standard deviation of up to √n, however long one
 * waits. So once bits have had the time to be set and cleared, the last 3 counts may also lie as far apart as three draws with
 * that deviation do in 95 of 100 cases: 3.31 deviations (the studentized range for three means, known variance).
 */
export type Rhythm = "settling" | "steady" | "hot";

const PASSES = 3;
const TOLERANCE = 0.05;
/** The first bits are cleared in the third pass after them at the latest; two more, and the counts no longer grow of themselves. */
const PASSES_BEFORE_NOISE = 5;
const NOISE_DEVIATIONS = 3.31;

export class Steadiness {
  passes = 0;
  private readonly bitsAtPassEnd: number[] = [];
  private readonly changesInPass: number[] = [];
  private changesBefore = 0;

  /** At the end of a pass: bits on disk now, and bits set or cleared since the trial began. */
  passEnded(bitsOnDisk: number, changes: number): void {
    this.passes++;
    this.bitsAtPassEnd.push(bitsOnDisk);
    this.changesInPass.push(changes - this.changesBefore);
    this.changesBefore = changes;
    if (this.bitsAtPassEnd.length > PASSES) {
      this.bitsAtPassEnd.shift();
      this.changesInPass.shift();
    }
  }

  get rhythm(): Rhythm {
    if (this.passes < PASSES) return "settling";
    if (this.changesInPass.every((changes) => changes === 0)) return "hot";
    const most = Math.max(...this.bitsAtPassEnd);
    const least = Math.min(...this.bitsAtPassEnd);
    const noise = this.passes < PASSES_BEFORE_NOISE ? 0 : NOISE_DEVIATIONS * Math.sqrt(most);
    return most - least <= Math.max(TOLERANCE * most, noise) ? "steady" : "settling";
  }
}
