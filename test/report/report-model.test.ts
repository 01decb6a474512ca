/** What a report says: machines, tables, answers, and what is no like with like. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { machinesOf } from "../../src/report/model/machine-list.js";
import { compareFigures, ratioText } from "../../src/report/model/ratio-text.js";
import { reportModel } from "../../src/report/model/report-model.js";
import type { Result } from "../../src/results/schema.js";
import { sampleResult } from "../results/sample.js";
import { type MadeUp, madeUpResult } from "./made-up-results.js";

const named = (result: Result, file = "x.json") => ({ file, result });
const made = (hostname: string, more: Partial<MadeUp> = {}) => madeUpResult({ hostname, trials: 5, ...more });

test("suites of one machine and storage share a column; what was measured twice or elsewhere does not", () => {
  const bare = made("alpha", { suites: ["locks"] });
  bare.environment.members = [];
  const machines = machinesOf([
    named(bare, "locks.json"),
    named(made("alpha", { suites: ["node-scaling"] }), "scaling.json"),
    named(made("alpha", { suites: ["recovery"] }), "recovery.json"),
    named(made("beta", { suites: ["recovery"] }), "beta.json"),
  ]);
  assert.deepEqual(
    machines.map(({ name, files }) => [name, files]),
    [
      ["alpha", ["scaling.json", "recovery.json", "locks.json"]],
      ["beta", ["beta.json"]],
    ],
  );
  const twice = machinesOf([named(made("alpha"), "a.json"), named(made("alpha"), "b.json")]);
  assert.deepEqual(
    twice.map(({ name }) => name),
    ["alpha, ext4 on vda [a.json]", "alpha, ext4 on vda [b.json]"],
  );
  const inFolders = machinesOf([
    named(made("alpha", { suites: ["recovery"] }), "results/old/recovery.json"),
    named(made("alpha", { suites: ["node-scaling"] }), "results/old/scaling.json"),
    named(made("alpha", { suites: ["recovery"] }), "results/new/recovery.json"),
  ]);
  assert.deepEqual(
    inFolders.map(({ name }) => name),
    ["alpha, ext4 on vda [old]", "alpha, ext4 on vda [new]"],
  );
});

test("a machine with two kinds of storage is two columns, and locks belong to neither", () => {
  const bare = made("alpha", { suites: ["locks"] });
  bare.environment.members = [];
  const other = made("alpha", { suites: ["messages"] });
  other.environment.members = [];
  const machines = machinesOf([
    named(made("alpha", { suites: ["recovery"] })),
    named(made("alpha", { suites: ["recovery"], storage: "tmpfs" })),
    named(bare),
    named(other),
  ]);
  assert.deepEqual(
    machines.map(({ name, results }) => [name, results.length]),
    [
      ["alpha, ext4 on vda", 1],
      ["alpha, tmpfs", 1],
      ["alpha", 2],
    ],
  );
});

test("trials without a bitmap stand with their own result's twins, though pairs are numbered alike in all", () => {
  const steady = made("alpha", { suites: ["node-scaling"] });
  const cold = made("beta", { suites: ["node-scaling"] });
  for (const trial of cold.trials) if (trial.labels.bitmap === "on") trial.phase = "cold";
  const { tables } = reportModel([named(steady), named(cold)]);
  const [writes] = tables;
  const phase = writes?.labelColumns.findIndex(({ name }) => name === "phase") ?? -1;
  assert.ok(phase >= 0);
  const found = new Set(writes?.rows.map(({ machine, labels }) => `${machine} ${labels[phase]}`));
  assert.deepEqual([...found], ["0 steady", "1 cold"]);
  const without = writes?.columns.findIndex(({ title }) => title === "Without p50") ?? -1;
  assert.ok(writes?.rows.every(({ samples }) => samples[without]?.length === 5));
});

test("the fastest is named with its interval; where none is shown to be, that is said", () => {
  const lead = (results: readonly Result[]) => reportModel(results.map((one) => named(one))).answers[0];
  const suites = ["messages"] as const;
  const clear = lead([made("alpha", { suites }), made("beta", { suites, slowness: 1.5 })]);
  assert.equal(clear?.lead, "alpha is the fastest at broadcasts");
  assert.match(clear?.text ?? "", /beta [\d.]+ µs, 1\.(49|50|51) × that \(1\.\d\d to 1\.\d\d\)/);
  assert.match(clear?.text ?? "", /alpha has the best median in all 36 variants/);
  const twin = structuredClone(made("alpha", { suites }));
  twin.environment.hostname = "twin";
  const tied = lead([made("alpha", { suites }), twin]);
  assert.equal(tied?.lead, "No machine is shown to be the fastest at broadcasts");
  assert.match(tied?.text ?? "", /1\.00 × that .*no difference shown/);
});

test("three trials against three cannot tell, and one against one has no interval", () => {
  const text = (base: readonly number[], other: readonly number[]) => {
    const compared = compareFigures(base, other, "lower");
    return compared === null ? null : ratioText(compared);
  };
  assert.match(text([1, 2, 3], [10, 20, 30]) ?? "", /^10\.0 × \(.*too few trials to tell\)$/);
  assert.equal(text([2], [3]), "1.50 × (one trial each)");
  assert.match(text([10, 11, 12, 13, 14], [1, 1.1, 1.2, 1.3, 1.4]) ?? "", /^0\.100 × \(.*\) better$/);
  assert.equal(text([], [1]), null);
  assert.equal(text([0, 1], [1, 2]), null);
});

test("other work, backends, members and a busy machine are no like with like", () => {
  const [alpha, beta] = [made("alpha"), made("beta")];
  const unlike = () => reportModel([named(alpha), named(beta)]).answers[0]?.unlike.join() ?? "";
  assert.equal(unlike(), "");
  beta.scenarioHash = "1".repeat(64);
  assert.match(unlike(), /another scenario/);
  beta.scenario.seed = 2;
  assert.match(unlike(), /scenario\.seed (1 against 2|2 against 1)/);
  beta.backends.io = "uring";
  beta.environment.load = [90, 50, 20];
  assert.match(unlike(), /backends\.io (uring against psync|psync against uring)/);
  assert.match(unlike(), /environment\.load (90 against 0|0 against 90)/);
});

test("of a run of several suites, only what the suite did counts", () => {
  const [alpha, beta] = [made("alpha", { suites: ["messages"] }), made("beta", { suites: ["messages"] })];
  const own = { suite: "messages", seed: 1 };
  alpha.scenario = { suites: [own, { suite: "locks", seed: 1 }], members: [] };
  beta.scenario = { suites: [own, { suite: "recovery", seed: 7 }], members: [] };
  beta.scenarioHash = "1".repeat(64);
  assert.deepEqual(reportModel([named(alpha), named(beta)]).answers[0]?.unlike, []);
});

test("what differs comes first among the facts, and a fact that no machine tells is left out", () => {
  const beta = made("beta");
  beta.environment.kernel = "6.12.0";
  const { facts } = reportModel([named(made("alpha")), named(beta)]);
  assert.deepEqual(facts[0], { name: "Linux", values: ["6.1.0", "6.12.0"], differs: true });
  assert.ok(facts.slice(1).every(({ differs }) => !differs));
  assert.ok(!facts.some(({ name }) => name === "CPU"));
});

test("a result with next to nothing in it makes a report, too; one with a damaged histogram says where", () => {
  assert.throws(
    () => reportModel([named(sampleResult())]),
    /host: trial a: the histogram of write_latency_ns cannot/,
  );
  const bare = sampleResult();
  for (const trial of bare.trials) trial.histograms = {};
  const { tables, charts, answers } = reportModel([named(bare)]);
  assert.deepEqual([tables.length, answers.length], [1, 0]);
  assert.ok(charts.length <= 1);
});
