/** Text and table lines of Markdown. */

/** Nothing from a result file may end a cell, start markup or be taken for HTML. */
export function escaped(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/[\\`*_{}[\]<>|#~&!]/g, "\\$&");
}

/** @param cells as text, not yet escaped */
export function tableLine(cells: readonly string[]): string {
  return `| ${cells.map(escaped).join(" | ")} |`;
}
