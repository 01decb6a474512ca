/** `slotmark report` as it is called: what goes where, and what is refused. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { writeResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { madeUpResult } from "./made-up-results.js";

const folder = mkdtempSync(join(tmpdir(), "slotmark-report-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);
const suites = ["node-scaling", "messages"] as const;
writeResult(path("a.json"), madeUpResult({ hostname: "alpha", suites, trials: 6 }));
writeResult(path("b.json"), madeUpResult({ hostname: "beta|<b>", suites, trials: 6, slowness: 2 }));
writeResult(path("locks.json"), { ...madeUpResult({ hostname: "alpha", suites: ["locks"], trials: 3 }) });

test("one result: its table; several: side by side, with ratios and what differs", () => {
  const one = runSlotmark(["report", path("a.json")]);
  assert.equal(one.code, 0);
  assert.match(one.stdout, /^slotmark node-scaling, messages\n/);
  const two = runSlotmark(["report", path("a.json"), path("b.json")]);
  assert.equal(two.code, 0, two.stderr);
  assert.match(
    two.stdout,
    /^alpha is the fastest at writing with the bitmap: Write p50: alpha \d+ µs; beta\|<b> /,
  );
  assert.match(two.stdout, /2\.0\d × \(1\.9\d to 2\.\d\d\) worse/);
  // A bare percentage stands for no difference between machines.
  assert.doesNotMatch(two.stdout, /% (faster|slower|better|worse)/);
  assert.match(two.stdout, /What they have in common\n/);
});

test("files of one machine stand in one column", () => {
  const { stdout } = runSlotmark(["report", path("a.json"), path("locks.json"), "--json"]);
  const { machines } = JSON.parse(stdout);
  assert.deepEqual(machines, [
    {
      name: "alpha",
      files: [path("a.json"), path("locks.json")],
      suites: ["node-scaling", "messages", "locks"],
    },
  ]);
});

test("every output at once, each whole; Markdown shows the pictures beside it", () => {
  const outputs = [
    "--html",
    path("r.html"),
    "--png",
    path("png"),
    "--markdown",
    path("r.md"),
    "--prometheus",
    path("r.prom"),
  ];
  const { code, stdout, stderr } = runSlotmark([
    "report",
    path("a.json"),
    path("b.json"),
    "--json",
    ...outputs,
  ]);
  assert.equal(code, 0, stderr);
  const { written } = JSON.parse(stdout);
  assert.deepEqual(
    written.filter((file: string) => !existsSync(file)),
    [],
  );
  assert.ok(written.length > 6);
  const markdown = readFileSync(path("r.md"), "utf8");
  assert.match(markdown, /!\[[^\]]+\]\(<png\/against\.png>\)/);
  assert.match(markdown, /beta\\\|\\<b\\>/);
  const widths = markdown
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split(/(?<!\\)\|/).length);
  assert.ok(widths.length > 20 && Math.min(...widths) > 3);
  assert.deepEqual(
    readdirSync(path("png")).filter((name) => !name.endsWith(".png")),
    [],
  );
});

test("what it writes is the same every time", () => {
  const page = (name: string) => {
    runSlotmark(["report", path("a.json"), path("b.json"), "--html", path(name), "--quiet"]);
    return readFileSync(path(name), "utf8");
  };
  assert.equal(page("first.html"), page("second.html"));
});

test("promtool accepts the gauges", (t) => {
  const found = spawnSync("promtool", ["--version"]);
  if (found.error !== undefined && !process.env.CI)
    return t.skip("promtool is not installed (Debian: apt install prometheus)");
  runSlotmark([
    "report",
    path("a.json"),
    path("b.json"),
    path("locks.json"),
    "--prometheus",
    path("p.prom"),
    "--quiet",
  ]);
  const text = readFileSync(path("p.prom"), "utf8");
  const checked = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, "", ""]);
  assert.match(
    text,
    /^slotmark_write_latency_seconds\{machine="alpha",suite="node-scaling",.*nodes="4",.*statistic="p99"\} 0\.00\d+$/m,
  );
  assert.match(text, /^slotmark_bitmap_tax_ratio\{/m);
  assert.match(text, /machine="beta\|<b>"/);
  assert.doesNotMatch(text, /NaN|undefined/);
});

test("refused before anything is written: an input as output, a folder, no trial, no result", () => {
  const before = readFileSync(path("a.json"), "utf8");
  const over = runSlotmark(["report", path("a.json"), "--html", path("a.json")]);
  assert.deepEqual([over.code, readFileSync(path("a.json"), "utf8")], [2, before]);
  assert.match(over.stderr, /--html .*a\.json is one of the results to report/);
  assert.match(
    runSlotmark(["report", path("a.json"), "--markdown", folder]).stderr,
    /a folder is in its place/,
  );
  writeResult(path("empty.json"), {
    ...madeUpResult({ hostname: "x", suites: [] }),
    trials: [],
    histograms: {},
  });
  assert.equal(runSlotmark(["report", path("empty.json")]).code, 4);
  assert.equal(runSlotmark(["report", path("absent.json")]).code, 2);
  assert.equal(runSlotmark(["report"]).code, 2);
});
