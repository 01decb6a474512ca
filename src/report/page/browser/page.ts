/** The page's script: charts come alive, tables can be sorted, a baseline can be chosen. Without it the page still reads. */
import { DATA_ID, type PageData } from "../page-data.js";
import { offerBaseline } from "./baseline.js";
import { LiveChart } from "./live-chart.js";
import { makeSortable } from "./sortable-table.js";

/** JSON, compressed, in base64. */
async function readData(): Promise<PageData> {
  const text = atob(document.getElementById(DATA_ID)?.textContent ?? "");
  const packed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(unpacked).text()) as PageData;
}

async function start(): Promise<void> {
  const data = await readData();
  const charts = [...document.querySelectorAll<HTMLElement>("figure[data-chart]")].flatMap((figure) => {
    const spec = data.charts[Number(figure.dataset.chart)];
    return spec === undefined ? [] : [new LiveChart(figure, spec)];
  });
  offerBaseline(data, charts);
  for (const table of document.querySelectorAll<HTMLTableElement>("main table")) makeSortable(table);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of charts) chart.print(false);
  });
  addEventListener("beforeprint", () => {
    for (const chart of charts) chart.print(true);
  });
  addEventListener("afterprint", () => {
    for (const chart of charts) chart.print(false);
  });
}

void start();
