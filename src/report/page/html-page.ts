/**
 * A report as one page that loads nothing: answer, pictures, figures, environments. Scripts and style are inlined and named by
 * their hashes in the page's content security policy, so that no text of a result can run or fetch anything.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { SlotmarkError } from "../../errors.js";
import { slotmarkVersion } from "../../measure/identity.js";
import type { Result } from "../../results/schema.js";
import { workOf } from "../model/like-with-like.js";
import type { ReportModel } from "../model/report-model.js";
import { chartPicture, chartsWithPictures } from "../picture.js";
import { contentHash, embeddedData, embeddedScript, html } from "./html-text.js";
import { inlineModules } from "./inline-modules.js";
import { DATA_ID, type PageData } from "./page-data.js";
import { PAGE_STYLE } from "./page-style.js";
import { tableInPage } from "./page-tables.js";
import { answersHtml, environmentsHtml } from "./page-words.js";

const require = createRequire(import.meta.url);

/** @returns the page, the same for the same results */
export function htmlPage(model: ReportModel): string {
  const tables = model.tables.map((table) => tableInPage(model, table));
  const uplotScript = embeddedScript(readFileSync(require.resolve("uplot/dist/uPlot.iife.min.js"), "utf8"));
  const pageScript = embeddedScript(inlineModules(new URL("./browser/page.js", import.meta.url)));
  const style = `${readFileSync(require.resolve("uplot/dist/uPlot.min.css"), "utf8")}${PAGE_STYLE}`;
  const policy = [
    "default-src 'none'",
    `script-src ${contentHash(uplotScript)} ${contentHash(pageScript)}`,
    `style-src ${contentHash(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const data: PageData = {
    machines: model.machines.map(({ name }) => name),
    charts: model.charts,
    compared: model.compared,
    tables: tables.map((table) => table.data),
    ...workData(model),
  };
  const count = model.machines.reduce((sum, { results }) => sum + results.length, 0);
  const trials = model.machines.reduce((sum, { trials: own }) => sum + own.length, 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="slotmark ${html(slotmarkVersion())}">
<title>slotmark report: ${html(
    model.machines
      .map(({ name }) => name)
      .join(", ")
      .slice(0, 120),
  )}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>slotmark report</h1>
<p class="quiet">${counted(model.machines.length, "machine")}, ${counted(count, "result")}, ${counted(trials, "trial")}</p>
<nav aria-label="Parts of the report"><ul><li><a href="#answer">Answer</a></li><li><a href="#pictures">Pictures</a></li><li><a href="#figures">Figures</a></li><li><a href="#environments">Environments</a></li></ul></nav>
</header>
<main>
<section aria-labelledby="answer"><h2 id="answer">Answer</h2>${answersHtml(model)}</section>
<section aria-labelledby="pictures"><h2 id="pictures">Pictures</h2>${baselineHtml(model)}${figuresHtml(model)}</section>
<section aria-labelledby="figures"><h2 id="figures">Figures</h2>${tables.map((table) => table.html).join("\n")}</section>
<section aria-labelledby="environments"><h2 id="environments">Environments</h2>${environmentsHtml(model)}</section>
</main>
<script type="text/plain" id="${DATA_ID}">${embeddedData(data)}</script>
<script>${uplotScript}</script>
<script type="module">${pageScript}</script>
</body>
</html>
`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The script fills it in: without one there is nothing to choose. */
function baselineHtml({ machines }: ReportModel): string {
  return machines.length < 2 ? "" : `<p class="baseline" id="baseline" hidden></p>`;
}

function figuresHtml(model: ReportModel): string {
  const pictures = picturesOf(model);
  const intro =
    pictures === null
      ? `<noscript><p class="note">Without JavaScript this page shows its tables alone: the optional packages that draw pictures were not there when it was made.</p></noscript>`
      : "";
  const figures = model.charts.map(({ id, title, conditions, reading }, index) => {
    const png = pictures?.get(id);
    const image =
      png === undefined
        ? ""
        : `<noscript><img alt="${html(`${title}: ${conditions}. ${reading}`)}" src="data:image/png;base64,${png.toString("base64")}"></noscript>`;
    return (
      `<figure data-chart="${index}" aria-labelledby="${id}-title"><h3 id="${id}-title">${html(title)}</h3>` +
      `<p class="quiet conditions">${html(conditions)}</p><div class="plot"></div>${image}<figcaption>${html(reading)}</figcaption></figure>`
    );
  });
  return `${intro}${figures.join("\n")}`;
}

/** @returns null where the optional packages are missing */
function picturesOf({ charts }: ReportModel): Map<string, Buffer> | null {
  try {
    // On a screen a picture need not be as sharp as in print, and its machines are in the page.
    return new Map(chartsWithPictures(charts).map((chart) => [chart.id, chartPicture(chart, [], 1)]));
  } catch (error) {
    if (error instanceof SlotmarkError && error.code === "pictures-need-a-package") return null;
    throw error;
  }
}

function workData({ machines }: ReportModel): Pick<PageData, "work" | "workOf"> {
  const work = new Map<string, Result>();
  const indices = machines.map((machine) =>
    Object.fromEntries(
      [...machine.resultOfSuite.keys()].flatMap((suite) => {
        const own = workOf(machine, suite);
        if (own === null) return [];
        const key = JSON.stringify(own);
        if (!work.has(key)) work.set(key, own);
        return [[suite, [...work.keys()].indexOf(key)] as const];
      }),
    ),
  );
  return { work: [...work.values()], workOf: indices };
}
