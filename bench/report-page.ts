/**
 * How long the largest report takes to open: 50 machines, every suite. Time from the start of the navigation until the load event,
 * until the first picture is drawn, and until the page answers (two frames later), in the system's Chromium, from disk; medians
 * of several, each in a new context. The results are made up; how much there is to show is real.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { reportModel } from "../src/report/model/report-model.js";
import { htmlPage } from "../src/report/page/html-page.js";
import { fiftyMachines } from "../test/report/made-up-results.js";

const OPENINGS = 9;
const LIMIT_MS = 2000;

interface Opening {
  readonly loadedMs: number;
  readonly drawnMs: number;
  readonly answersMs: number;
}

async function openOnce(browser: Browser, address: string): Promise<Opening> {
  const context = await browser.newContext({ offline: true, viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(address, { waitUntil: "load" });
    const figure = page.locator("figure").first();
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".plot canvas").waitFor();
    // In the page's own clock, which begins with the navigation.
    return (await page.evaluate(`new Promise((resolve) => {
      const [{ loadEventEnd }] = performance.getEntriesByType("navigation");
      const drawnMs = performance.now();
      requestAnimationFrame(() => requestAnimationFrame(() => {
        resolve({ loadedMs: loadEventEnd, drawnMs, answersMs: performance.now() });
      }));
    })`)) as Opening;
  } finally {
    await context.close();
  }
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1] ?? Number.NaN;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "slotmark-bench-page-"));
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
  });
  try {
    const beginMs = performance.now();
    const html = htmlPage(reportModel(fiftyMachines()));
    const madeMs = performance.now() - beginMs;
    const file = join(folder, "report.html");
    writeFileSync(file, html);
    const openings: Opening[] = [];
    for (let index = 0; index < OPENINGS; index++) {
      openings.push(await openOnce(browser, pathToFileURL(file).href));
    }
    const of = (pick: (one: Opening) => number) => Math.round(median(openings.map(pick)));
    const answersMs = of((one) => one.answersMs);
    const report = {
      machine: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores`,
      pageBytes: statSync(file).size,
      madeMs: Math.round(madeMs),
      openings: OPENINGS,
      loadedMs: of((one) => one.loadedMs),
      firstPictureMs: of((one) => one.drawnMs),
      answersMs,
      worstAnswersMs: Math.round(Math.max(...openings.map((one) => one.answersMs))),
      underTwoSeconds: answersMs < LIMIT_MS,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
