/**
 * Whether a slot's bitmap has found its rhythm (design, "Measuring honestly"): `steady` after at least 3 passes where the bits
 * on disk at the ends of the last 3 passes lie within 5 %; `hot` where no bit was set or cleared for 3 passes.
 */
export type Rhythm = "settling" | "steady" | "hot";

const PASSES = 3;
const TOLERANCE = 0.05;

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
    return most - least <= TOLERANCE * most ? "steady" : "settling";
  }
}
