/** The report's answer in words: who is fastest and by how much, what the bitmap costs, which chunk to use. Pictures come after. */
import { medianInterval } from "../../measure/median-interval.js";
import { adviceSentence } from "../chunk-advice-table.js";
import { signedPercent } from "../quantity.js";
import { figureText, medianOf } from "./cell-text.js";
import { type FigureRow, type FigureTable, settledFirst, variantsOf, variantText } from "./figure-table.js";
import { unlikeness } from "./like-with-like.js";
import type { Machine } from "./machine-list.js";
import { compareFigures, intervalText, ratioFigure } from "./ratio-text.js";

export interface Answer {
  /** What it is about. */
  readonly lead: string;
  readonly text: string;
  /** One a case, where there are several. */
  readonly cases: readonly string[];
  /** Why the machines in it are no like with like. */
  readonly unlike: readonly string[];
}

/** More machines than these are counted, not named. */
const MOST_NAMED = 4;

export function answersOf(machines: readonly Machine[], tables: readonly FigureTable[]): Answer[] {
  return [
    ...tables.flatMap((table) => fastest(machines, table)),
    ...taxes(machines, tables),
    ...chunkAnswers(machines),
  ];
}

function fastest(machines: readonly Machine[], table: FigureTable): Answer[] {
  const order = settledFirst(table);
  const bySettling = ([a]: readonly FigureRow[], [b]: readonly FigureRow[]) => (a && b ? order(a, b) : 0);
  const shared = variantsOf(table)
    .flatMap((rows) => {
      const column = table.columns.findIndex(
        ({ compared }, index) =>
          compared && rows.filter(({ samples }) => (samples[index] ?? []).length > 0).length > 1,
      );
      return column < 0 ? [] : [{ rows, column }];
    })
    .sort((a, b) => b.rows.length - a.rows.length || bySettling(a.rows, b.rows));
  const [headline] = shared;
  if (headline === undefined) return [];
  const winners = shared.map(({ rows, column }) => ranking(table, rows, column)[0]?.row.machine);
  const wins = winners.filter((winner) => winner === winners[0]).length;
  const of = wins === shared.length ? `all ${wins}` : `${wins} of ${shared.length}`;
  const everywhere =
    shared.length < 2 ? "" : ` ${machines[winners[0] ?? 0]?.name} has the best median in ${of} variants.`;
  return fastestOf(machines, table, headline.rows, headline.column, everywhere);
}

interface Ranked {
  readonly row: FigureRow;
  readonly median: number;
}

/** The best first. */
function ranking(table: FigureTable, rows: readonly FigureRow[], column: number): Ranked[] {
  const sign = table.columns[column]?.direction === "higher" ? -1 : 1;
  return rows
    .flatMap((row) => {
      const median = medianOf(row.samples[column] ?? []);
      return median === undefined ? [] : [{ row, median }];
    })
    .sort((a, b) => sign * (a.median - b.median));
}

function fastestOf(
  machines: readonly Machine[],
  table: FigureTable,
  rows: readonly FigureRow[],
  column: number,
  everywhere: string,
): Answer[] {
  const { unit, direction, title } = table.columns[column] ?? {
    unit: "",
    direction: "lower" as const,
    title: "",
  };
  const [best, ...others] = ranking(table, rows, column);
  const winner = machines[best?.row.machine ?? -1];
  if (best === undefined || winner === undefined) return [];
  const unlike = new Set<string>();
  const tied: string[] = [];
  const compared = others.slice(0, MOST_NAMED).flatMap(({ row, median }) => {
    const name = machines[row.machine];
    const ratio = compareFigures(best.row.samples[column] ?? [], row.samples[column] ?? [], direction);
    if (name === undefined || ratio === null) return [];
    const reasons = unlikeness(winner, name, row.suite);
    if (reasons.length > 0) unlike.add(`${name.name} and ${winner.name}: ${reasons.join("; ")}`);
    const difference = `${ratioFigure(ratio.interval.ratio)} that (${intervalText(ratio)})`;
    const isShown = ratio.verdict === "better" || ratio.verdict === "worse";
    if (!isShown) tied.push(name.name);
    const shown = ratio.verdict === "same" ? ", no difference shown" : "";
    return [`${name.name} ${figureText(median, unit)}, ${difference}${shown}`];
  });
  const more = others.length > MOST_NAMED ? `; and ${others.length - MOST_NAMED} more` : "";
  const where = [variantText(table, best.row), table.conditions].filter((text) => text !== "").join("; ");
  return [
    {
      lead:
        tied.length === 0
          ? `${winner.name} is the fastest at ${nounOf(table)}`
          : `No machine is shown to be the fastest at ${nounOf(table)}`,
      text: `${title}: ${winner.name} ${figureText(best.median, unit)}; ${compared.join("; ")}${more} (${where}).${everywhere}`,
      cases: [],
      unlike: [...unlike],
    },
  ];
}

const NOUNS: Readonly<Record<string, string>> = {
  writes: "writing with the bitmap",
  locks: "locks",
  messages: "broadcasts",
  "add-disk": "adding a disk",
  recovery: "recovering a dead node’s slot",
};

function nounOf({ id, title }: FigureTable): string {
  return NOUNS[id] ?? title;
}

/** With more variants than these only their range is told. */
const MOST_TAXES = 3;

function taxes(machines: readonly Machine[], tables: readonly FigureTable[]): Answer[] {
  const table = tables.find(({ id }) => id === "writes");
  const column = table?.columns.findIndex(({ title }) => title === "Tax") ?? -1;
  if (table === undefined || column < 0) return [];
  const cases = machines.flatMap(({ name }, index) => {
    const text = taxText(table, column, index);
    return text === "" ? [] : [machines.length > 1 ? `${name}: ${text}` : text];
  });
  if (cases.length === 0) return [];
  const shown = cases.slice(0, MOST_NAMED);
  const more = cases.length > MOST_NAMED ? [`and ${cases.length - MOST_NAMED} more machines`] : [];
  return [
    { lead: "What the bitmap adds to the mean write", text: "", cases: [...shown, ...more], unlike: [] },
  ];
}

/** What had not settled says little, and what is measured in open loop is what the advice on chunks is about. */
function settled({ labelColumns, rows }: FigureTable): readonly FigureRow[] {
  const place = (name: string) => labelColumns.findIndex((column) => column.name === name);
  const [phase, loop] = [place("phase"), place("loop")];
  const steady = rows.filter(({ labels }) => labels[phase] !== "notSteady");
  const closed = steady.filter(({ labels }) => labels[loop] !== "open");
  return closed.length > 0 ? closed : steady;
}

function taxText(table: FigureTable, column: number, machine: number): string {
  const found = settled(table)
    .filter((row) => row.machine === machine)
    .flatMap((row) => {
      const interval = medianInterval(row.samples[column] ?? []);
      return interval === null
        ? []
        : [{ interval, where: variantText(table, row), pairs: row.samples[column]?.length ?? 0 }];
    });
  if (found.length > MOST_TAXES) {
    const medians = found.map(({ interval }) => interval.median);
    return `${signedPercent(Math.min(...medians))} to ${signedPercent(Math.max(...medians))}, by what is written and how (${found.length} variants below)`;
  }
  return found
    .map(({ interval, where, pairs }) => {
      const sure =
        pairs < 2
          ? "one pair, so no interval"
          : `${signedPercent(interval.low)} to ${signedPercent(interval.high)}, ${Math.floor(100 * interval.confidence)} % interval of ${pairs} pairs`;
      return `${where === "" ? "" : `${where}: `}${signedPercent(interval.median)} (${sure})`;
    })
    .join("; ");
}

function chunkAnswers(machines: readonly Machine[]): Answer[] {
  return machines
    .flatMap(({ name, chunkAdvice }) => {
      const cases = chunkAdvice.map(adviceSentence);
      return cases.length === 0 ? [] : [{ lead: `Which chunk on ${name}`, text: "", cases, unlike: [] }];
    })
    .slice(0, MOST_NAMED);
}
