/** The choice of the machine that all others are compared with, and every ratio of the page anew for it. */
import { AGAINST_ID, againstChart } from "../../charts/against-chart.js";
import { compareFigures, ratioText } from "../../model/ratio-text.js";
import { workDifferences } from "../../model/work-differences.js";
import { type PageData, type PageRow, type PageTable, UNLIKE_MARK } from "../page-data.js";
import { make } from "./element.js";
import type { LiveChart } from "./live-chart.js";

export function offerBaseline(data: PageData, charts: readonly LiveChart[]): void {
  const place = document.getElementById("baseline");
  if (place === null) return;
  // As they stand when the page opens: sorting moves rows.
  const rowsOf = new Map(data.tables.map(({ id }) => [id, tableRows(id)]));
  const select = make("select", { id: "baseline-choice" });
  for (const [index, name] of data.machines.entries()) {
    select.append(make("option", { value: String(index) }, name));
  }
  place.append(make("label", { for: select.id }, "Compared with: "), select);
  place.hidden = false;
  let turn = 0;
  select.addEventListener("change", async () => {
    const base = Number(select.value);
    const mine = ++turn;
    for (const chart of charts.filter(({ id }) => id === AGAINST_ID)) {
      chart.replace(againstChart(data.compared, data.machines, base));
    }
    const main = document.querySelector("main");
    main?.setAttribute("aria-busy", "true");
    for (const table of data.tables) {
      // Another choice has been made meanwhile: its turn does the rest.
      const goesOn = () => mine === turn;
      if (!(await compareTable(data, table, rowsOf.get(table.id) ?? [], base, goesOn))) return;
    }
    main?.removeAttribute("aria-busy");
  });
}

function tableRows(id: string): HTMLTableRowElement[] {
  const table = document.getElementById(id);
  return table instanceof HTMLTableElement ? [...(table.tBodies[0]?.rows ?? [])] : [];
}

/** Work for so long at a time keeps the page answering. */
const SLICE_MS = 25;

/** @returns false where it stopped, for it need not go on */
async function compareTable(
  data: PageData,
  table: PageTable,
  rows: readonly HTMLTableRowElement[],
  base: number,
  goesOn: () => boolean,
): Promise<boolean> {
  const heads = document.querySelectorAll<HTMLElement>(`#${table.id} th[data-against]`);
  for (const head of heads) {
    const text = `against ${data.machines[base]}`;
    (head.querySelector("button") ?? head).textContent = text;
  }
  let sinceMs = performance.now();
  const baseOfVariant = new Map(
    table.rows.filter(([machine]) => machine === base).map((row) => [row[1], row] as const),
  );
  const notes = new Set<string>();
  for (const [index, row] of table.rows.entries()) {
    if (performance.now() - sinceMs > SLICE_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      if (!goesOn()) return false;
      sinceMs = performance.now();
    }
    const baseRow = baseOfVariant.get(row[1]);
    const unlike = baseRow === undefined ? [] : unlikeness(data, base, row);
    if (unlike.length > 0) notes.add(`${data.machines[row[0]]}: ${unlike.join("; ")}.`);
    for (const [column, { cell, direction }] of table.compared.entries()) {
      const target = rows[index]?.cells[cell + 1];
      if (target !== undefined) compareCell(target, row, baseRow, column, direction, unlike.length > 0);
    }
  }
  const note = document.getElementById(`${table.id}-unlike`);
  if (note !== null) {
    note.hidden = notes.size === 0;
    note.textContent = `${UNLIKE_MARK} Not like with like. ${[...notes].join(" ")}`;
  }
  return true;
}

function compareCell(
  cell: HTMLTableCellElement,
  row: PageRow,
  base: PageRow | undefined,
  column: number,
  direction: "lower" | "higher",
  isUnlike: boolean,
): void {
  const samples = row[3][column] ?? [];
  cell.className = "";
  const compared =
    base === undefined || base === row ? null : compareFigures(base[3][column] ?? [], samples, direction);
  if (compared === null) {
    cell.textContent = base === row && samples.length > 0 ? "baseline" : "–";
    return;
  }
  cell.textContent = `${ratioText(compared)}${isUnlike ? ` ${UNLIKE_MARK}` : ""}`;
  if (compared.verdict !== "same") cell.className = compared.verdict;
}

function unlikeness({ work, workOf }: PageData, base: number, [machine, , suite]: PageRow): string[] {
  const [a, b] = [work[workOf[base]?.[suite] ?? -1], work[workOf[machine]?.[suite] ?? -1]];
  return machine === base || a === undefined || b === undefined ? [] : workDifferences(a, b);
}
