/** The figures as HTML tables, and what the page's script needs to compare them with another baseline. */
import { figureText, labelText, medianOf } from "../model/cell-text.js";
import { type FigureTable, variantsOf } from "../model/figure-table.js";
import { unlikeness } from "../model/like-with-like.js";
import { compareFigures, ratioText } from "../model/ratio-text.js";
import type { ReportModel } from "../model/report-model.js";
import { html } from "./html-text.js";
import { type PageRow, type PageTable, UNLIKE_MARK } from "./page-data.js";

export interface TableInPage {
  readonly html: string;
  readonly data: PageTable;
}

export function tableInPage(model: ReportModel, table: FigureTable): TableInPage {
  const many = model.machines.length > 1;
  const id = `figures-${table.id}`;
  const base = model.machines[0]?.name ?? "";
  const words = table.labelColumns.length;
  const heads = [
    ...(many ? [`<th scope=col>Machine`] : []),
    ...table.labelColumns.map(({ title }) => `<th scope=col>${html(title)}`),
    ...table.columns.flatMap(({ title, compared }) => [
      `<th scope=col>${html(title)}`,
      ...(many && compared ? [`<th scope=col data-against>against ${html(base)}`] : []),
    ]),
  ];
  const body: string[] = [];
  const rows: PageRow[] = [];
  for (const [variant, ofVariant] of variantsOf(table).entries()) {
    const first = ofVariant.find(({ machine }) => machine === 0);
    for (const row of ofVariant) {
      body.push(rowHtml(model, table, row, first));
      const samples = table.columns.flatMap(({ compared }, index) =>
        compared ? [(row.samples[index] ?? []).map(short)] : [],
      );
      rows.push([row.machine, variant, row.suite, many ? samples : []]);
    }
  }
  let cell = (many ? 1 : 0) + words;
  const compared = table.columns.flatMap(({ compared: is, direction }) => {
    const at = cell;
    cell += many && is ? 2 : 1;
    return many && is ? [{ cell: at, direction }] : [];
  });
  const conditions = table.conditions === "" ? "" : `<p class=quiet>${html(table.conditions)}</p>`;
  const notes = `<p class="note unlike" id="${id}-unlike" hidden></p>`;
  return {
    html:
      `<h3 id="${id}-title">${html(table.title)}</h3>${conditions}` +
      `<div class="scroll figures" tabindex=0 role=region aria-labelledby="${id}-title"><table id="${id}" class=words-${(many ? 1 : 0) + words}><thead><tr>${heads.join("")}</thead><tbody>` +
      `${body.join("\n")}</tbody></table></div>${staticNotes(model, table, id) ?? notes}<p class=quiet>${html(table.reading)}</p>`,
    data: { id, compared, rows },
  };
}

/** What counts of a sample. */
function short(sample: number): number {
  return Number(sample.toPrecision(4));
}

function rowHtml(
  { machines }: ReportModel,
  table: FigureTable,
  row: FigureTable["rows"][number],
  base: FigureTable["rows"][number] | undefined,
): string {
  const many = machines.length > 1;
  const [machine, first] = [machines[row.machine], machines[0]];
  const labels = table.labelColumns.map(
    ({ name }, index) => `<td>${html(labelText(name, row.labels[index] ?? ""))}`,
  );
  const figures = table.columns.flatMap(({ unit, direction, compared }, index) => {
    const samples = row.samples[index] ?? [];
    const median = medianOf(samples);
    const figure = median === undefined ? "<td>–" : `<td>${html(figureText(median, unit))}`;
    if (!many || !compared) return [figure];
    const ratio =
      base === undefined || base === row
        ? null
        : compareFigures(base.samples[index] ?? [], samples, direction);
    if (ratio === null) return [figure, `<td>${base === row && median !== undefined ? "baseline" : "–"}`];
    const unlike =
      machine !== undefined && first !== undefined && unlikeness(first, machine, row.suite).length > 0;
    const mark = unlike ? ` ${UNLIKE_MARK}` : "";
    const judged = ratio.verdict === "same" ? "" : ` class=${ratio.verdict}`;
    return [figure, `<td${judged}>${html(ratioText(ratio))}${mark}`];
  });
  const head = many ? `<th scope=row>${html(machine?.name ?? "")}` : "";
  return `<tr>${head}${labels.join("")}${figures.join("")}`;
}

/** For the first machine as the baseline; the script writes it anew for another. */
function staticNotes({ machines }: ReportModel, table: FigureTable, id: string): string | null {
  const [first] = machines;
  if (first === undefined) return null;
  const notes = new Set<string>();
  for (const { machine, suite } of table.rows) {
    const other = machines[machine];
    const reasons = other === undefined ? [] : unlikeness(first, other, suite);
    if (reasons.length > 0) notes.add(`${other?.name}: ${reasons.join("; ")}.`);
  }
  if (notes.size === 0) return null;
  return `<p class="note unlike" id="${id}-unlike">${UNLIKE_MARK} Not like with like. ${[...notes].map(html).join(" ")}</p>`;
}
