/** Tables whose rows are sorted by a column: its head becomes a button. */
import { make } from "./element.js";

export function makeSortable(table: HTMLTableElement): void {
  const body = table.tBodies[0];
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  if (body === undefined) return;
  const original = [...body.rows];
  for (const [column, head] of heads.entries()) {
    const button = make("button", { type: "button" }, head.textContent ?? "");
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = nextOrder(head.getAttribute("aria-sort"));
      for (const other of heads) other.removeAttribute("aria-sort");
      if (next !== null) head.setAttribute("aria-sort", next);
      body.append(...(next === null ? original : sorted([...body.rows], column, next === "ascending")));
    });
  }
}

/** Up, down, and as it was. */
function nextOrder(order: string | null): "ascending" | "descending" | null {
  if (order === "ascending") return "descending";
  return order === "descending" ? null : "ascending";
}

/** What one of a unit is worth beside the others of its kind. */
const WORTH: Readonly<Record<string, number>> = {
  ns: 1,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  K: 2 ** 10,
  KiB: 2 ** 10,
  M: 2 ** 20,
  MiB: 2 ** 20,
  G: 2 ** 30,
  GiB: 2 ** 30,
  T: 2 ** 40,
  TiB: 2 ** 40,
};

/** Of a cell as it is written: `402 µs`, `−1.5 %`, `12 345`, `64K`, `1.43 × (1.40 to 1.45)`; null: words. */
function sizeOf(text: string): number | null {
  const found = /^([+−-]?)(\d[\d\u202f]*(?:\.\d+)?) ?([^\s\d(]*)/.exec(text);
  if (found === null) return null;
  const [, sign, digits = "", unit = ""] = found;
  const size = Number(digits.replaceAll("\u202f", "")) * (WORTH[unit] ?? 1);
  return sign === "−" || sign === "-" ? -size : size;
}

function sorted(
  rows: readonly HTMLTableRowElement[],
  column: number,
  ascending: boolean,
): HTMLTableRowElement[] {
  const sign = ascending ? 1 : -1;
  const keyed = rows.map((row) => {
    const shown = row.cells[column]?.textContent ?? "";
    const text = shown === "–" ? "" : shown;
    return { row, number: sizeOf(text), text };
  });
  // What has no figure comes last, whatever the direction.
  return keyed
    .sort((a, b) => {
      if (a.number !== null && b.number !== null) return sign * (a.number - b.number);
      if (a.number !== null || b.number !== null) return a.number === null ? 1 : -1;
      if (a.text === "" || b.text === "") return Number(a.text === "") - Number(b.text === "");
      return sign * a.text.localeCompare(b.text, "en", { numeric: true });
    })
    .map(({ row }) => row);
}
