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
    ...slowdowns.flatMap(
      ({ where, timesFloor, achievedPercent, achievedTimesFloor, wantedPercent, found, foundModelled }) => [
        [
          `found: ${where}, ${timesFloor} × floor, came to ${achievedTimesFloor.toFixed(2)} (+${achievedPercent.toFixed(1)} %)`,
          ...rules.map((rule) => share(found[rule])),
        ],
        [
          `  at +${wantedPercent.toFixed(1)} % (modelled)`,
          ...rules.map((rule) => share(foundModelled[rule])),
        ],
      ],
    ),
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
