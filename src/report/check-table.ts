/** What `doctor` found, a line or two each. */
import type { Check } from "../measure/check.js";
import { paint, type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";

/** @returns lines, the last one ended */
export function checkTable(
  possible: boolean,
  checks: readonly Check[],
  style: TerminalStyle = terminalStyle(process.stdout),
): string {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const statusWidth = Math.max(...checks.map(({ status }) => status.length));
  const lines = checks.flatMap((check) => {
    const { name, subject, status, found, remedy } = check;
    const head = `${name.padEnd(nameWidth)}  ${status.padEnd(statusWidth)}  `;
    const text = wrap(subject === null ? found : `${subject}: ${found}`, style, head);
    const advice = remedy === null ? [] : [wrap(remedy, style, " ".repeat(head.length))];
    const shown = [text, ...advice].join("\n");
    return status === "warning" || status === "impossible" ? paint(shown, "yellow", style) : shown;
  });
  const verdict = possible ? "A run is possible here." : "No run is possible like this.";
  return `${[...lines, "", paint(verdict, "bold", style)].join("\n")}\n`;
}
