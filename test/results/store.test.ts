import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readResult, writeResult } from "../../src/results/store.js";
import { sampleResult } from "./sample.js";
import { temporaryFolder } from "./temporary-folder.js";

test("a result is read as it was written, and nothing else is left", (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, "r.json");
  writeResult(path, sampleResult());
  assert.deepEqual(readResult(path), sampleResult());
  assert.deepEqual(readdirSync(folder), ["r.json"]);
});

for (const [where, change] of Object.entries<(text: string) => string>({
  "trials[1].metrics.unplug_share.direction": (text) => {
    const result = JSON.parse(text);
    result.trials[1].metrics.unplug_share.direction = "sideways";
    return JSON.stringify(result);
  },
  "trials[0].metrics.unplug_share": (text) => {
    const result = JSON.parse(text);
    delete result.trials[0].metrics.unplug_share.value;
    return JSON.stringify(result);
  },
  "trials[1].id": (text) => text.replace('"id": "b"', '"id": "a"'),
  "trials[0].histograms.write_latency_ns": (text) =>
    text.replace('"a/write_latency_ns":', '"x/write_latency_ns":'),
  'histograms["a/write_latency_ns"]': (text) => text.replaceAll('"HISTFAAA"', '"HIST!"'),
  scenarioHash: (text) => text.replace("0".repeat(64), "0".repeat(63)),
  "environment.cpu": (text) => text.replace('"cores"', '"kernels"'),
})) {
  test(`an invalid field is named with its file: ${where}`, (context) => {
    const path = join(temporaryFolder(context), "r.json");
    writeResult(path, sampleResult());
    const text = readFileSync(path, "utf8");
    const changed = change(text);
    assert.notEqual(changed, text);
    writeFileSync(path, changed);
    assert.throws(
      () => readResult(path),
      (error: Error) => {
        assert.ok(error.message.startsWith(`${path}: field ${where}`), error.message);
        return Reflect.get(error, "kind") === "input" && Reflect.get(error, "code") === "schema-mismatch";
      },
    );
  });
}

test("what is no JSON, absent or a folder is bad input", (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, "half.json"), '{"schemaVersion": 1,');
  mkdirSync(join(folder, "folder.json"));
  assert.throws(() => readResult(join(folder, "half.json")), { kind: "input", code: "json-malformed" });
  assert.throws(() => readResult(join(folder, "none.json")), { kind: "input", code: "path-unusable" });
  assert.throws(() => readResult(join(folder, "folder.json")), { kind: "input", code: "path-unusable" });
  assert.throws(() => writeResult(join(folder, "absent/r.json"), sampleResult()), {
    kind: "input",
    code: "path-unusable",
  });
  assert.throws(() => writeResult(join(folder, "folder.json"), sampleResult()), { kind: "input" });
  assert.deepEqual(readdirSync(folder).sort(), ["folder.json", "half.json"]);
});

test("what is no regular file is never put aside by a result", (context) => {
  const folder = temporaryFolder(context);
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const path of [pipe, folder, "/dev/null"]) {
    assert.throws(() => writeResult(path, sampleResult()), { kind: "input", code: "path-unusable" }, path);
  }
  assert.ok(statSync(pipe).isFIFO());
  assert.ok(statSync("/dev/null").isCharacterDevice());
});

test("killed while it writes over and over, the file is always whole", async (context) => {
  const path = join(temporaryFolder(context), "r.json");
  const writer = `
    const { writeResult } = await import(${JSON.stringify(new URL("../../src/results/store.js", import.meta.url).href)});
    const { sampleResult } = await import(${JSON.stringify(new URL("./sample.js", import.meta.url).href)});
    const result = sampleResult();
    for (let i = 0; ; i++) {
      result.warnings = Array.from({ length: 2000 }, () => ({ code: "round", text: String(i) }));
      writeResult(${JSON.stringify(path)}, result);
      if (i === 0) process.stdout.write("first");
    }`;
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", writer], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, 7 * round));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
    const { warnings } = readResult(path);
    assert.equal(warnings.length, 2000);
    assert.equal(new Set(warnings.map((warning) => warning.text)).size, 1, "one round's file, not a mixture");
  }
  writeResult(path, sampleResult());
  assert.deepEqual(readdirSync(dirname(path)), ["r.json"], "what the killed ones left is gone");
});
