/** What the place of output can show: colours (https://no-color.org) and how many columns. */
import type { WriteStream } from "node:tty";

export interface TerminalStyle {
  readonly colours: boolean;
  readonly widthColumns: number;
}

/** Not a terminal (a file, a pipe): no colours, and lines as wide as they need to be. */
export const PLAIN: TerminalStyle = { colours: false, widthColumns: Number.POSITIVE_INFINITY };

export function terminalStyle(
  stream: Pick<WriteStream, "isTTY" | "columns">,
  environment: NodeJS.ProcessEnv = process.env,
): TerminalStyle {
  if (!stream.isTTY) return PLAIN;
  const unwanted = environment.NO_COLOR !== undefined && environment.NO_COLOR !== "";
  return { colours: !unwanted && environment.TERM !== "dumb", widthColumns: stream.columns || 80 };
}

const CODES = { bold: [1, 22], dim: [2, 22], yellow: [33, 39] } as const;

export function paint(text: string, how: keyof typeof CODES, style: TerminalStyle): string {
  const [on, off] = CODES[how];
  return style.colours && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

/** Breaks text at spaces; its first line starts with `first`, the others with as many spaces. */
export function wrap(text: string, style: TerminalStyle, first: string): string {
  const width = Math.max(40, style.widthColumns) - first.length;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line]
    .map((one, index) => (index === 0 ? first : " ".repeat(first.length)) + one)
    .join("\n");
}
