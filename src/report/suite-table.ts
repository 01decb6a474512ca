/** The built-in suites for people: name, about how long it takes, what it measures. */
import { type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";

export interface ListedSuite {
  readonly name: string;
  readonly summary: string;
  readonly expectedSeconds: number;
}

/** @returns lines, the last one ended */
export function suiteTable(
  suites: readonly ListedSuite[],
  style: TerminalStyle = terminalStyle(process.stdout),
): string {
  const width = Math.max(...suites.map(({ name }) => name.length));
  const lines = suites.map(({ name, summary, expectedSeconds }) => {
    const time = `about ${formatDuration(expectedSeconds)}`;
    return wrap(summary, style, `${name.padEnd(width)}  ${time.padEnd(13)}  `);
  });
  const note =
    "Times are those of the defaults on this machine; --trials, --time and --nodes make them shorter.";
  return `${[...lines, "", wrap(note, style, "")].join("\n")}\n`;
}

/** `50 s`, `1.5 min`. */
function formatDuration(seconds: number): string {
  return seconds < 55 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 30) / 2} min`;
}
