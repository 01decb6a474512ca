/** What a recording says of each rule, as one table. */
import type { JudgedPool } from "./judge-pool.js";

/** @returns lines */
export function judgedTable({ falseAlarms, slowdowns, smallestFoundModelledPercent }: JudgedPool): string[] {
  const rules = Object.keys(falseAlarms);
  const share = (of: number | null | undefined) =>
    of === null || of === undefined ? "–" : `${(100 * of).toFixed(1)} %`;
  const smallest = (of: number | null | undefined) =>
    of === null || of === undefined ? "–" : `${of.toFixed(1)} %`;
  const rows = [
    ["", ...rules],
    ["false alarms", ...rules.map((rule) => share(falseAlarms[rule]?.share))],
    ["  upper 95 % bound", ...rules.map((rule) => share(falseAlarms[rule]?.upperBound))],
    ...slowdowns.map(({ where, timesFloor, wantedPercent, achievedTimesFloor, found }) => [
      `found: ${where}, ${timesFloor} × floor (+${wantedPercent.toFixed(1)} %; recorded: ${achievedTimesFloor.toFixed(2)} ×)`,
      ...rules.map((rule) => share(found[rule])),
    ]),
    [
      "smallest found in 80 % (modelled)",
      ...rules.map((rule) => smallest(smallestFoundModelledPercent[rule])),
    ],
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
}
