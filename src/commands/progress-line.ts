/** One line on standard error that is written over as a run goes on; only where that is a terminal. */
export class ProgressLine {
  private readonly live: boolean;
  private shown = false;

  constructor(private readonly talks: boolean) {
    this.live = talks && process.stderr.isTTY === true;
  }

  show(text: string): void {
    if (!this.live) return;
    const width = process.stderr.columns ?? 80;
    process.stderr.write(`\r\u001b[2K${text.slice(0, width - 1)}`);
    this.shown = true;
  }

  /** A line that stays. */
  say(text: string): void {
    if (!this.talks) return;
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  clear(): void {
    if (!this.shown) return;
    process.stderr.write("\r\u001b[2K");
    this.shown = false;
  }
}
