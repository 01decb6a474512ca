/** Time-weighted mean and maximum of a level that changes in steps, such as the bits on disk. */
export class LevelOverTime {
  maximum = 0;
  private area = 0;
  private level = 0;
  private sinceNs = 0;
  private fromNs = 0;

  start(level: number, nowNs: number): void {
    this.level = level;
    this.maximum = level;
    this.area = 0;
    this.sinceNs = nowNs;
    this.fromNs = nowNs;
  }

  set(level: number, nowNs: number): void {
    this.area += this.level * (nowNs - this.sinceNs);
    this.level = level;
    this.sinceNs = nowNs;
    if (level > this.maximum) this.maximum = level;
  }

  mean(untilNs: number): number {
    if (untilNs <= this.fromNs) return this.level;
    return (this.area + this.level * (untilNs - this.sinceNs)) / (untilNs - this.fromNs);
  }
}
