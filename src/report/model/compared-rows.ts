/** The figures that a picture of all machines compares: of each table what most machines have. */
import type { ComparedRow } from "../charts/against-chart.js";
import { labelText } from "./cell-text.js";
import { type FigureTable, inSentence, settledFirst, variantsOf } from "./figure-table.js";

/** More rows than these are no picture. */
const MOST_ROWS = 10;
const MOST_OF_A_TABLE = 2;

export function comparedRows(tables: readonly FigureTable[], machineCount: number): ComparedRow[] {
  return tables.flatMap((table) => rowsOf(table, machineCount).slice(0, MOST_OF_A_TABLE)).slice(0, MOST_ROWS);
}

function rowsOf(table: FigureTable, machineCount: number): ComparedRow[] {
  const order = settledFirst(table);
  const variants = [...variantsOf(table)].sort(([a], [b]) => (a && b ? order(a, b) : 0));
  const found = variants.flatMap((rows) =>
    table.columns.flatMap(({ title, direction, compared }, column) => {
      const samples: (readonly number[])[] = Array.from({ length: machineCount }, () => []);
      for (const row of rows) samples[row.machine] = row.samples[column] ?? [];
      const machines = samples.filter((own) => own.length > 0).length;
      if (!compared || machines < 2) return [];
      return [{ label: labelOf(table, title, rows[0]?.labels ?? []), direction, samples, machines }];
    }),
  );
  const most = Math.max(0, ...found.map(({ machines }) => machines));
  return found
    .filter(({ machines }) => machines === most)
    .map(({ label, direction, samples }) => ({ label, direction, samples }));
}

const SHORT: Readonly<Record<string, string>> = {
  "add-disk": "Disk added",
  locks: "Lock",
  messages: "Broadcast",
  recovery: "Recovery",
};
/** As many labels as say enough beside a picture. */
const LABELS = 2;

function labelOf(
  { id, labelColumns }: FigureTable,
  title: string,
  labels: readonly (string | number | boolean)[],
): string {
  const shown = labelColumns
    .map(({ name, title: column }, index) => [name, column, labels[index] ?? ""] as const)
    .filter(([name]) =>
      ["phase", "nodes", "chunkBytes", "ratePercent", "outcome", "dirtyChunks", "waiting"].includes(name),
    )
    .slice(0, LABELS)
    .map(([name, column, value]) =>
      typeof value === "number" ? `${inSentence(column)} ${labelText(name, value)}` : labelText(name, value),
    );
  const what = [SHORT[id], title].filter(Boolean).join(": ");
  return shown.length === 0 ? what : `${what}, ${shown.join(", ")}`;
}
