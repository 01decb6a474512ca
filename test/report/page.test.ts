/** The page as a reader has it: in a real browser, from disk, without a network. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { reportModel } from "../../src/report/model/report-model.js";
import { htmlPage } from "../../src/report/page/html-page.js";
import { drawAll, drawnPixels, openPage, whyNoChromium } from "./chromium.js";
import { madeUpResult } from "./made-up-results.js";

const skip = whyNoChromium() ?? false;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const alpha = madeUpResult({ hostname: "alpha", trials: 6 });
const beta = madeUpResult({ hostname: "beta", slowness: 1.6, trials: 6 });
const gamma = madeUpResult({ hostname: "gamma", slowness: 0.7, trials: 6, storage: "tmpfs" });
gamma.backends = { dlm: "embedded", io: "uring", members: "parallel" };
const results = [alpha, beta, gamma].map((result) => ({
  file: `${result.environment.hostname}.json`,
  result,
}));
const page3 = htmlPage(reportModel(results));
/** One of everything, for what looks at every element. */
const small = htmlPage(
  reportModel(
    ["alpha", "beta"].map((hostname, index) => ({
      file: hostname,
      result: madeUpResult({
        hostname,
        slowness: 1 + index,
        trials: 5,
        suites: ["node-scaling", "add-disk", "recovery"],
      }),
    })),
  ),
);

test("it opens from disk, says nothing, asks for nothing, and every picture is drawn", {
  skip,
}, async (t) => {
  const { page, said, requests } = await openPage(t, page3);
  const count = await drawAll(page);
  assert.ok(count >= 12, `${count} pictures`);
  const pixels = await drawnPixels(page);
  assert.equal(pixels.length, count);
  for (const { colours, share } of pixels) {
    assert.ok(colours > 20 && share > 0.01 && share < 0.6, JSON.stringify({ colours, share }));
  }
  assert.deepEqual(said, []);
  assert.deepEqual(requests, []);
});

test("the answer comes first, then pictures, figures and environments", { skip }, async (t) => {
  const { page } = await openPage(t, page3);
  const heads = await page.locator("h2").allTextContents();
  assert.deepEqual(heads, ["Answer", "Pictures", "Figures", "Environments"]);
  const [answer = ""] = await page.locator(".answers > li").allTextContents();
  assert.match(answer, /^gamma is the fastest at writing with the bitmap/);
  assert.match(answer, /beta \d+ µs, 2\.\d\d × that \(2\.\d\d to 2\.\d\d\)/);
  assert.match(answer, /Not like with like.*backends\.io/);
  const facts = await page.locator("#facts thead th").allTextContents();
  assert.deepEqual(facts.slice(0, 2), ["Machine", "Filesystem"]);
  assert.ok(facts.includes("Device") && !facts.includes("Cores"), facts.join(" "));
});

async function column(page: Page, table: string, head: string): Promise<string[]> {
  const heads = await page.locator(`#${table} thead th`).allTextContents();
  const index = heads.indexOf(head);
  assert.ok(index >= 0, `${head} in ${heads.join(", ")}`);
  const cells = `[...document.querySelectorAll("#${table} tbody tr")].map((row) => row.cells[${index}].textContent)`;
  return page.evaluate(cells);
}

test("columns are sorted up, down and back, by size and not by letters", { skip }, async (t) => {
  const { page } = await openPage(t, page3);
  const before = await column(page, "figures-messages", "Whole p50");
  const button = page.locator("#figures-messages thead button", { hasText: "Whole p50" }).first();
  await button.click();
  const up = await column(page, "figures-messages", "Whole p50");
  const units: Record<string, number> = { ns: 1, µs: 1e3, ms: 1e6 };
  const nanoseconds = (text: string) => Number.parseFloat(text) * (units[text.slice(-2)] ?? Number.NaN);
  assert.deepEqual(
    up,
    [...before].sort((a, b) => nanoseconds(a) - nanoseconds(b)),
  );
  assert.ok(up.some((text) => text.endsWith("ms")) && up.some((text) => text.endsWith("µs")));
  assert.equal(await page.locator("#figures-messages th[aria-sort=ascending]").count(), 1);
  await button.press("Enter");
  assert.deepEqual(await column(page, "figures-messages", "Whole p50"), [...up].reverse());
  await button.click();
  assert.deepEqual(await column(page, "figures-messages", "Whole p50"), before);
  // What has no figure stays last.
  await page.locator("#figures-locks thead button", { hasText: "Hand-over p99" }).click();
  const handed = await column(page, "figures-locks", "Hand-over p99");
  assert.ok(handed.indexOf("–") > handed.findLastIndex((text) => text !== "–"));
});

test("another baseline turns every ratio round, in the tables and in the picture", { skip }, async (t) => {
  const { page, said } = await openPage(t, page3);
  await drawAll(page);
  const [before] = await drawnPixels(page);
  const against = await column(page, "figures-messages", "against alpha");
  assert.deepEqual(
    [against[0], /^1\.[56]\d × \(.*\) worse$/.test(against[1] ?? "")],
    ["baseline", true],
    against[1],
  );
  await page.locator("#figures-messages thead button", { hasText: "Nodes" }).click();
  await page.getByLabel("Compared with").selectOption("beta");
  await page.locator("main:not([aria-busy])").waitFor();
  await page.locator("#figures-messages thead button", { hasText: "Nodes" }).press("Enter");
  await page.locator("#figures-messages thead button", { hasText: "Nodes" }).press("Enter");
  const turned = await column(page, "figures-messages", "against beta");
  assert.match(turned[0] ?? "", /^0\.6\d+ × \(.*\) better$/);
  assert.equal(turned[1], "baseline");
  // Only gamma's work was done otherwise.
  assert.match(turned[2] ?? "", /†$/);
  assert.doesNotMatch(turned[0] ?? "", /†/);
  assert.match(
    (await page.locator("#figures-messages-unlike").textContent()) ?? "",
    /gamma: .*backends\.io uring against psync/,
  );
  const [after] = await drawnPixels(page);
  assert.notEqual(after?.hash, before?.hash);
  assert.equal(await page.locator("figure h3").first().textContent(), "Every machine against beta");
  assert.deepEqual(said, []);
});

test("a series can be switched off and on", { skip }, async (t) => {
  const { page } = await openPage(t, page3);
  const figure = page.locator("figure", { hasText: "Writes a second by number of nodes" });
  await figure.scrollIntoViewIfNeeded();
  await figure.locator(".plot canvas").waitFor();
  const hashes = async () => (await drawnPixels(page)).map(({ hash }) => hash).join();
  const all = await hashes();
  const box = figure.getByLabel("beta: with bitmap");
  await box.uncheck();
  assert.notEqual(await hashes(), all);
  await box.check();
  assert.equal(await hashes(), all);
});

test("a picture is read by keyboard alone, and as a table", { skip }, async (t) => {
  const { page } = await openPage(t, page3);
  const figure = page.locator("figure", { hasText: "Write latency by percentile" }).first();
  await figure.scrollIntoViewIfNeeded();
  await figure.locator(".plot canvas").waitFor();
  const slider = figure.getByLabel("Read at");
  await slider.focus();
  await page.keyboard.press("End");
  const last = (await figure.locator("output").textContent()) ?? "";
  assert.match(last, /^p9[\d.]+: alpha: with bitmap [\d.]+ ms; .*gamma: without bitmap/);
  await page.keyboard.press("ArrowLeft");
  assert.notEqual(await figure.locator("output").textContent(), last);
  assert.equal(await slider.getAttribute("aria-valuetext"), await figure.locator("output").textContent());
  await figure.locator("summary").press("Enter");
  await figure.locator("details tbody tr").nth(10).waitFor();
});

test("printed, every picture is there without having been seen, on white", { skip }, async (t) => {
  const { page } = await openPage(t, page3, { colorScheme: "dark" });
  await page.locator(".legend label").first().waitFor();
  await page.evaluate(`addEventListener("beforeprint", () => {
    globalThis.drawnForPrint = document.querySelectorAll(".plot canvas").length;
  })`);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  assert.equal(
    await page.evaluate("globalThis.drawnForPrint"),
    await page.locator("figure[data-chart]").count(),
  );
  assert.ok(pdf.length > 200_000, `${pdf.length} bytes`);
});

for (const [colorScheme, width] of [
  ["light", 1280],
  ["dark", 1280],
  ["light", 390],
] as const) {
  test(`axe finds nothing to complain about: ${colorScheme}, ${width} wide`, { skip }, async (t) => {
    const { page } = await openPage(t, small, { colorScheme, width });
    await drawAll(page);
    await page.locator("figure summary").first().click();
    await page.evaluate(AXE);
    const violations = (await page.evaluate(
      `axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")))`,
    )) as string[];
    assert.deepEqual(violations, []);
    const overflow = await page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert.equal(overflow, 0, "the page itself is never wider than the screen");
  });
}

test("without JavaScript pictures and tables are there", { skip }, async (t) => {
  const { page } = await openPage(t, page3, { javaScriptEnabled: false });
  const images = page.locator("figure img");
  assert.ok((await images.count()) >= 10);
  for (const image of await images.all()) {
    const box = await image.boundingBox();
    assert.ok(box !== null && box.width > 300 && box.height > 150);
    assert.match((await image.getAttribute("alt")) ?? "", /\w{4}/);
  }
  assert.match((await page.locator("#figures-messages").textContent()) ?? "", /× \(/);
});

test("what a result says is text, whatever it says", { skip }, async (t) => {
  const attack = `</script></style></title><script>globalThis.broken = 1</script><img src=x onerror="globalThis.broken = 2">`;
  const hostile = madeUpResult({ hostname: attack, trials: 2 });
  hostile.environment.cpu.model = attack;
  hostile.environment.kernel = attack;
  hostile.warnings = [{ code: "x", text: attack }];
  for (const trial of hostile.trials) trial.labels.workload = `"><b>${attack}`;
  const named = [{ file: `${attack}.json`, result: hostile }, ...results.slice(0, 1)];
  const { page, said, requests } = await openPage(t, htmlPage(reportModel(named)));
  await drawAll(page);
  await page.getByLabel("Compared with").selectOption({ index: 1 });
  await page.locator("main:not([aria-busy])").waitFor();
  await page.locator("figure summary").first().click();
  assert.equal(await page.evaluate("globalThis.broken"), undefined);
  assert.equal(await page.locator("main img, main b").count(), 0);
  assert.ok(((await page.locator("#facts").textContent()) ?? "").includes(attack));
  assert.deepEqual([said, requests], [[], []]);
});
