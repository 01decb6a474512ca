import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { bitmap, chunkSweep } from "../../src/scenario/bitmap-suites.js";
import { parseScenarios } from "../../src/scenario/scenario-file.js";
import { scenarioSchema } from "../../src/scenario/schema.js";
import { locks, suites } from "../../src/scenario/suites.js";
import { REPOSITORY, runSlotmark } from "../cli/run-slotmark.js";

function refusal(text: string): SlotmarkError {
  try {
    parseScenarios(text, "mine.yaml");
  } catch (error) {
    assert.ok(error instanceof SlotmarkError);
    assert.equal(error.kind, "input");
    assert.equal(error.code, "scenario-invalid");
    return error;
  }
  assert.fail("nothing was refused");
}

test("a trace lies beside the file that names it, and is replayed at its own times unless the file says otherwise", () => {
  const [alone] = parseScenarios("workload: trace:app.log", "/some/where/mine.yaml");
  assert.ok(alone?.kind === "bitmap");
  assert.deepEqual(alone.workload, ["trace:/some/where/app.log"]);
  assert.deepEqual(alone.rate, ["recorded"]);
  const [paced] = parseScenarios(
    "workload: [uniform, 'trace:/a/app.log']\nrate: [100, recorded]",
    "mine.yaml",
  );
  assert.ok(paced?.kind === "bitmap");
  assert.deepEqual(paced.workload, ["uniform", "trace:/a/app.log"]);
  assert.deepEqual(paced.rate, [100, "recorded"]);
  assert.match(
    refusal("workload: zipf\nrate: recorded").message,
    /^mine\.yaml:2:7: rate: only a trace has recorded times/,
  );
  assert.match(
    refusal("workload: 'trace:'").message,
    /^mine\.yaml:1:11: workload\.0: expected uniform, .* or trace:FILE/,
  );
});

test("a file says what differs from the suite it is based on, in its own words for sizes and times", () => {
  const text = [
    "nodes: 2",
    "chunkBytes: [64K, 1048576]",
    "workingSet: [all, 10%, 8M]",
    "rate: [closed, 300, 50%]",
    "timeMs: 2s",
  ].join("\n");
  assert.deepEqual(parseScenarios(text, "some/where/mine.yaml"), [
    {
      ...bitmap,
      suite: "mine",
      nodes: [2],
      chunkBytes: [65536, 1048576],
      workingSet: ["all", "10%", 8 << 20],
      rate: ["closed", 300, "50%"],
      timeMs: 2000,
    },
  ]);
});

test("a file may hold several scenarios, of other kinds and other suites", () => {
  const text = "- { basedOn: chunk-sweep, suite: ours, trials: 7 }\n- { kind: locks, nodes: [1, 2] }\n";
  assert.deepEqual(parseScenarios(text, "mine.yml"), [
    { ...chunkSweep, suite: "ours", trials: 7 },
    { ...locks, suite: "mine", nodes: [1, 2] },
  ]);
});

for (const [what, text, place, message] of [
  ["a value out of range", "# ours\nnodes: [2, 65]", "2:12", /nodes\.1: .*<=64, found 65/],
  ["an unknown field", "nodes: 2\n  \nchnk: 4K", "3:1", /no field chnk; it has .*chunkBytes/],
  ["a field of another kind", "kind: locks\nplug: 2", "2:1", /kind locks has no field plug/],
  ["a chunk that is no power of two", "chunkBytes: 100K", "1:13", /power of two.*found 102400/],
  ["a size in no unit", "chunkBytes:\n  - 4K\n  - 10X", "2:3", /"10X" is not a size/],
  ["a percentage of nothing", "rate: 0%", "1:7", /above 0%/],
  ["an unknown kind", "kind: frob", "1:7", /expected one of bitmap, locks, .*found "frob"/],
  ["an unknown suite", "basedOn: nix", "1:10", /no suite named "nix"/],
  ["a key given twice", "trials: 1\ntrials: 2", "2:1", /no YAML: .*unique/],
  ["broken YAML", "nodes: [2", "1:10", /no YAML/],
  ["a text", "quick", "1:1", /expected a mapping/],
  ["nothing", "", "1:1", /expected a mapping/],
  ["an empty list", "[]", "1:1", /at least one scenario/],
] as const) {
  test(`${what} is refused with file, line and column`, () => {
    const error = refusal(text);
    assert.ok(error.message.startsWith(`mine.yaml:${place}: `), error.message);
    assert.match(error.message, message);
    assert.match(error.remedy, /slotmark schema scenario/);
  });
}

test("every built-in suite, written as YAML, is read back as it was", () => {
  for (const { scenarios } of suites.values()) {
    assert.deepEqual(parseScenarios(JSON.stringify(scenarios), "suite.yaml"), [...scenarios]);
    for (const scenario of scenarios) assert.ok(scenarioSchema.safeParse(scenario).success);
  }
});

test("the command line runs a file, and its options go before the file's fields", (context) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "slotmark-scenario-"));
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "ours.yaml");
  fs.writeFileSync(
    file,
    "nodes: 2\nchunkBytes: [64K, 1M]\nplug: 1\nworkload: uniform\nrate: [50%, 200]\nsizeBytes: 64M\nworkingSet: 8M\n" +
      "phases: steady\ndaemonSleepMs: 50ms\ntimeMs: 5s\n",
  );
  const out = path.join(folder, "result.json");
  const run = runSlotmark(["run", file, "--trials", "1", "--time", "200ms", "--out", out, "--json"]);
  assert.equal(run.code, 0, run.stderr);
  const { trials } = JSON.parse(run.stdout);
  const found = trials.filter((trial: { labels: { finds?: string } }) => trial.labels.finds === "maximum");
  assert.equal(found.length, 3, "the closed loop's maximum comes first");
  assert.equal(trials.length, 3 + 2 * 2 * 2);
  for (const { suite, labels, metrics } of trials.slice(3)) {
    assert.equal(suite, "ours");
    assert.equal(labels.loop, "open");
    assert.ok(labels.ratePercent === 50 || labels.ratePerSecond === 200);
    const offered = metrics.offered_iops.value;
    if (labels.ratePerSecond === 200) assert.equal(offered, 200);
    else {
      const reached = found.map(
        (trial: { metrics: { write_iops: { value: number } } }) => trial.metrics.write_iops.value,
      );
      assert.ok(offered >= Math.min(...reached) / 2 && offered <= Math.max(...reached) / 2);
    }
  }
  assert.equal(fs.readFileSync(file, "utf8").includes("5s"), true, "the file is only read");
});

test("the README's example is a scenario file", () => {
  const [, example = ""] =
    /```yaml\n([\s\S]*?)```/.exec(fs.readFileSync(path.join(REPOSITORY, "README.md"), "utf8")) ?? [];
  const [scenario] = parseScenarios(example, "README.yaml");
  assert.equal(scenario?.kind, "bitmap");
});

test("the schema of a scenario file takes what a file may say", () => {
  const { code, stdout } = runSlotmark(["schema", "scenario"]);
  assert.equal(code, 0);
  const schema = JSON.parse(stdout);
  const [bitmapKind] = schema.$defs.scenario.anyOf;
  assert.equal(bitmapKind.required, undefined);
  assert.equal(bitmapKind.properties.kind.const, "bitmap");
  assert.deepEqual(
    bitmapKind.properties.timeMs.anyOf.map((one: { type: string }) => one.type),
    ["integer", "string"],
  );
  assert.deepEqual(
    bitmapKind.properties.nodes.anyOf.map((one: { type: string }) => one.type),
    ["array", "integer"],
  );
});
