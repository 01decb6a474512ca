import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite, test } from "node:test";
import { mergeResults } from "../../src/results/merge.js";
import { type Result, resultSchema } from "../../src/results/schema.js";
import { readResult, writeResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { sampleHistograms, sampleResult, sampleTrial } from "./sample.js";
import { temporaryFolder } from "./temporary-folder.js";

/** What the machine of this node wrote. */
function machineResult(node: number, nodes = 3): Result {
  const sample = sampleResult();
  const ids = ["one", "two"].map((name) => `${name}/node${node}`);
  const environment = { ...sample.environment, hostname: `host${node}` };
  return {
    ...sample,
    environment,
    backends: { dlm: "kernel", io: "none", members: "none" },
    createdAt: `2026-01-02T03:04:0${9 - node}.000Z`,
    cluster: {
      run: "0123456789abcdef",
      arrayUuid: "6b29fc40-ca47-1067-b31d-00dd010662da",
      nodes,
      machines: [{ node, environment }],
    },
    trials: ids.map((id, index) => ({
      ...sampleTrial(id),
      labels: { nodes, node },
      startedAt: `2026-01-02T03:04:1${index}.00${node}Z`,
    })),
    histograms: sampleHistograms(...ids),
    warnings: [
      { code: "kernel-dlm-from-user-space", text: "the same" },
      { code: "own", text: `of node ${node}` },
    ],
  };
}

function merged(...results: readonly Result[]): Result {
  return mergeResults(results.map((result, index) => ({ name: `${"abcdef"[index]}.json`, result })));
}

suite("merging the results of a run's machines", () => {
  test("unites trials, histograms, environments and warnings, in whatever order the files are named", () => {
    const result = merged(machineResult(2), machineResult(0), machineResult(1));
    assert.deepEqual(resultSchema.parse(result), result);
    assert.deepEqual(result, merged(machineResult(0), machineResult(1), machineResult(2)));
    assert.deepEqual(
      result.trials.map(({ id }) => id),
      ["one/node0", "one/node1", "one/node2", "two/node0", "two/node1", "two/node2"],
    );
    assert.equal(Object.keys(result.histograms).length, 6);
    assert.equal(result.environment.hostname, "host0");
    assert.deepEqual(
      result.cluster?.machines.map(({ node, environment }) => [node, environment.hostname]),
      [0, 1, 2].map((node) => [node, `host${node}`]),
    );
    assert.equal(result.createdAt, "2026-01-02T03:04:07.000Z");
    assert.deepEqual(
      result.warnings.map(({ text }) => text),
      ["the same", "of node 0", "of node 1", "of node 2"],
    );
  });

  test("says which machines' results are missing, and takes them later", () => {
    const two = merged(machineResult(0), machineResult(2));
    assert.deepEqual(two.warnings.at(-1), {
      code: "machines-missing",
      text: "Of the 3 machines of this run one is missing here: what they measured is not in the figures.",
    });
    const all = merged(two, machineResult(1));
    assert.deepEqual(
      all.cluster?.machines.map(({ node }) => node),
      [0, 1, 2],
    );
    assert.ok(!all.warnings.some(({ code }) => code === "machines-missing"));
  });

  test("different versions of slotmark are said and no error", () => {
    const other = { ...machineResult(1, 2), slotmark: { version: "0.2.0", commit: "c".repeat(40) } };
    const { warnings } = merged(machineResult(0, 2), other);
    assert.match(
      warnings.at(-1)?.text ?? "",
      /different versions of slotmark: 0\.1\.0 \(unknown\), 0\.2\.0 \(c{12}\)/,
    );
  });

  test("what is not of one run cannot be merged", () => {
    const first = machineResult(0);
    const cluster = machineResult(1).cluster;
    assert.ok(cluster !== undefined);
    const differing: readonly (readonly [string, Partial<Result>])[] = [
      ["array", { cluster: { ...cluster, arrayUuid: "another" } }],
      ["scenarioHash", { scenarioHash: "1".repeat(64) }],
      ["backends", { backends: { dlm: "embedded", io: "none", members: "none" } }],
      ["variant", { variant: "mainline" }],
      ["number of machines", { cluster: { ...cluster, nodes: 4 } }],
      ["run", { cluster: { ...cluster, run: "f".repeat(16) } }],
    ];
    for (const [what, change] of differing) {
      assert.throws(() => merged(first, { ...machineResult(1), ...change }), {
        kind: "incomparable",
        code: "merge-differs",
        message: new RegExp(`^a\\.json and b\\.json are not of one run: their ${what} differs`),
      });
    }
  });

  test("a machine twice, a single file, files of single machines and empty ones are refused", () => {
    assert.throws(() => merged(machineResult(0), machineResult(1), machineResult(0)), {
      kind: "input",
      code: "merge-same-machine",
      message: "a.json and c.json both hold what node 0 measured",
    });
    assert.throws(() => merged(machineResult(0)), { kind: "usage", code: "merge-too-few" });
    assert.throws(() => merged(machineResult(0), sampleResult()), {
      kind: "input",
      code: "merge-not-of-a-cluster",
      message: /^b\.json is no result/,
    });
    const empty = (node: number) => ({ ...machineResult(node), trials: [], histograms: {} });
    assert.throws(() => merged(empty(0), empty(1)), { kind: "nothing", code: "merge-nothing" });
  });
});

test("slotmark merge writes one result, shows every machine, and ends with the exit code of what is wrong", (context) => {
  const folder = temporaryFolder(context);
  const files = [0, 1].map((node) => {
    const file = path.join(folder, `node${node}.json`);
    writeResult(file, machineResult(node, 2));
    return file;
  });
  const out = path.join(folder, "all.json");
  const { code, stdout, stderr } = runSlotmark(["merge", ...files, "--out", out]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /machine +node 0, host0: /);
  assert.match(stdout, /machine +node 1, host1: /);
  assert.match(stdout, /result file: .*all\.json\n$/);
  assert.equal(readResult(out).trials.length, 4);
  const json = runSlotmark(["merge", ...files, "--out", out, "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), JSON.parse(readFileSync(out, "utf8")));

  const other = path.join(folder, "other.json");
  writeResult(other, { ...machineResult(1, 2), scenarioHash: "1".repeat(64) });
  const nothing = path.join(folder, "nothing.json");
  writeFileSync(nothing, "{}");
  const codeOf = (...args: string[]) => runSlotmark(["merge", ...args, "--out", out]).code;
  const [first = "", second = ""] = files;
  assert.equal(codeOf(first, other), 3);
  assert.equal(codeOf(first, nothing), 2);
  assert.equal(codeOf(first), 2);
  assert.equal(codeOf(first, path.join(folder, "absent.json")), 2);
  assert.equal(runSlotmark(["merge", first, second, "--out", first]).code, 2);
  for (const [index, file] of files.entries())
    writeResult(file, { ...machineResult(index, 2), trials: [], histograms: {} });
  assert.equal(codeOf(first, second), 4);
});
