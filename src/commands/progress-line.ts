/** One line on standard error that is written over as a run goes on; only where that is a terminal. */
const REFRESH_MS = 250;
const WIDTH_WHERE_UNKNOWN = 80;

export class ProgressLine {
  private readonly timer: NodeJS.Timeout | null;
  private shown = false;

  /** @param text the line as of now; @param talks false: nothing is ever written */
  constructor(
    private readonly text: () => string,
    private readonly talks: boolean,
  ) {
    this.timer = talks && process.stderr.isTTY === true ? setInterval(() => this.show(), REFRESH_MS) : null;
    this.timer?.unref();
  }

  /** A line that stays. */
  say(text: string): void {
    if (!this.talks) return;
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  /** Takes the line away; nothing is shown from then on. */
  end(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.clear();
  }

  private show(): void {
    const width = process.stderr.columns || WIDTH_WHERE_UNKNOWN;
    process.stderr.write(`\r\u001b[2K${this.text().slice(0, width - 1)}`);
    this.shown = true;
  }

  private clear(): void {
    if (!this.shown) return;
    process.stderr.write("\r\u001b[2K");
    this.shown = false;
  }
}
