/** Pictures without a browser: the same bytes wherever they are drawn, and one sentence where the packages are missing. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { ChartSpec } from "../../src/report/charts/chart-spec.js";
import { reportModel } from "../../src/report/model/report-model.js";
import { chartPicture, chartsWithPictures } from "../../src/report/picture.js";
import { writeResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { madeUpResult } from "./made-up-results.js";

const { loadImage, createCanvas } = createRequire(import.meta.url)(
  "@napi-rs/canvas",
) as typeof import("@napi-rs/canvas");

const model = reportModel(
  ["alpha", "beta"].map((hostname, index) => ({
    file: hostname,
    result: madeUpResult({ hostname, slowness: 1 + index / 2, trials: 5 }),
  })),
);

function hash(png: Buffer): string {
  return createHash("sha256").update(png).digest("hex");
}

/** Draws a chart that it is handed, wherever it runs, and tells the hash. */
const DRAWING = `
  const { chartPicture } = await import(${JSON.stringify(new URL("../../src/report/picture.js", import.meta.url).href)});
  const { createHash } = await import("node:crypto");
  const hash = (chart) => createHash("sha256").update(chartPicture(chart)).digest("hex");
`;

function drawnInWorker(charts: readonly ChartSpec[]): Promise<string[]> {
  const source = `${DRAWING}
    const { parentPort, workerData } = await import("node:worker_threads");
    parentPort.postMessage(workerData.map(hash));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: charts,
  });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function drawnInProcess(charts: readonly ChartSpec[]): string[] {
  const source = `${DRAWING}
    let text = "";
    for await (const piece of process.stdin) text += piece;
    process.stdout.write(JSON.stringify(JSON.parse(text).map(hash)));`;
  const out = execFileSync(process.execPath, ["--input-type=module", "--eval", source], {
    input: JSON.stringify(charts),
  });
  return JSON.parse(out.toString()) as string[];
}

test("the same bytes again, in threads at the same time, and in another process", async () => {
  const charts = chartsWithPictures(model.charts);
  const here = charts.map((chart) => hash(chartPicture(chart)));
  assert.equal(new Set(here).size, charts.length);
  assert.deepEqual(
    charts.map((chart) => hash(chartPicture(chart))),
    here,
  );
  const [first, second] = await Promise.all([drawnInWorker(charts), drawnInWorker(charts)]);
  assert.deepEqual(first, here);
  assert.deepEqual(second, here);
  assert.deepEqual(drawnInProcess(charts), here);
});

test("a dozen at most, and one of every kind", () => {
  const charts = chartsWithPictures(model.charts);
  assert.equal(charts.length, 12);
  const kinds = (all: readonly ChartSpec[]) => [...new Set(all.map(({ id }) => id.replace(/-\d+$/, "")))];
  assert.deepEqual(kinds(charts), kinds(model.charts));
});

test("text is there, in the registered font, and every series has drawn in its colour", async () => {
  for (const chart of chartsWithPictures(model.charts)) {
    const image = await loadImage(chartPicture(chart, [], 1));
    const context = createCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const dark = (x: number, y: number, width: number, height: number) => {
      const { data } = context.getImageData(x, y, width, height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if ((data[at] ?? 255) < 90 && (data[at + 2] ?? 255) < 90) count++;
      return count;
    };
    assert.ok(dark(15, 15, 500, 30) > 300, `${chart.id}: a title`);
    assert.ok(dark(0, image.height - 50, image.width, 50) > 8, `${chart.id}: a legend`);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const colours = new Set<string>();
    for (let at = 0; at < data.length; at += 4) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
    const expected = ["0,114,178", "213,94,0"].slice(chart.id === "against" ? 1 : 0, chart.series.length + 1);
    for (const colour of expected) assert.ok(colours.has(colour), `${chart.id}: ${colour}`);
  }
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "slotmark-pictures-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Before slotmark starts: the package cannot be found. */
const WITHOUT_CANVAS = `
  import module from "node:module";
  const resolve = module._resolveFilename;
  module._resolveFilename = function (name, ...rest) {
    if (name.startsWith("@napi-rs/canvas")) throw Object.assign(new Error("Cannot find module '@napi-rs/canvas'"), { code: "MODULE_NOT_FOUND" });
    return resolve.call(this, name, ...rest);
  };`;

test("without the optional package: one sentence and how to add it; the page does without pictures", (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "alpha.json");
  writeResult(file, madeUpResult({ hostname: "alpha", trials: 2, suites: ["messages"] }));
  const refused = runSlotmark(["report", file, "--png", join(folder, "png")], WITHOUT_CANVAS);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /^slotmark: pictures need the optional packages @napi-rs\/canvas and @fontsource\/inter \(Cannot find module '@napi-rs\/canvas'\)\nAdd them in slotmark's folder: npm install --include=optional\.\n$/,
  );
  assert.deepEqual(readdirSync(folder), ["alpha.json"]);
  const page = join(folder, "page.html");
  assert.equal(runSlotmark(["report", file, "--html", page], WITHOUT_CANVAS).code, 0);
  const text = readFileSync(page, "utf8");
  assert.match(text, /the optional packages that draw pictures were not there/);
  assert.doesNotMatch(text, /data:image/);
});

test("uPlot leaves nothing global behind", () => {
  chartPicture(model.charts[0] as ChartSpec);
  for (const name of ["window", "document", "uPlot"])
    assert.equal(Reflect.get(globalThis, name), undefined, name);
  assert.ok(fileURLToPath(import.meta.url).endsWith(".js"));
});
