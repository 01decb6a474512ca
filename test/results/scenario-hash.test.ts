import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, scenarioHash } from "../../src/results/scenario-hash.js";

test("canonical JSON does not depend on the order of keys, and does on that of a list", () => {
  assert.equal(
    canonicalJson({ b: [1, { d: null, c: "x" }], a: true }),
    '{"a":true,"b":[1,{"c":"x","d":null}]}',
  );
  assert.notEqual(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

test("paths and outputs do not change the hash; the number of members and the work do", () => {
  const base = { suite: "quick", nodes: [2], members: ["/a", "/b"], seed: 1, out: "x.json" };
  const hash = scenarioHash(base);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(scenarioHash({ ...base, members: ["/c", "/d"], out: "y.json", destroy: ["/c"] }), hash);
  assert.notEqual(scenarioHash({ ...base, members: ["/a", "/b", "/c"] }), hash);
  assert.notEqual(scenarioHash({ ...base, seed: 2 }), hash);
  assert.notEqual(scenarioHash({ ...base, nodes: [4] }), hash);
});

test("how often a suite repeats its trials is no other work; anything else in it is", () => {
  const suite = { kind: "bitmap", suite: "quick", nodes: [2], trials: 12, seed: 1 };
  const hash = scenarioHash({ suites: [suite] });
  assert.equal(scenarioHash({ suites: [{ ...suite, trials: 48 }] }), hash);
  assert.notEqual(scenarioHash({ suites: [{ ...suite, seed: 2 }] }), hash);
  assert.notEqual(scenarioHash({ suites: [suite, suite] }), hash);
});
