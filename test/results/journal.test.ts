import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createJournal, readJournal, resumeJournal } from "../../src/results/journal.js";
import { sampleHeader, sampleHistograms, sampleTrial } from "./sample.js";
import { temporaryFolder } from "./temporary-folder.js";

function writeTwoTrials(path: string): void {
  const journal = createJournal(path, sampleHeader());
  journal.append(sampleTrial("a"), sampleHistograms("a", "b"));
  journal.append(sampleTrial("b"), sampleHistograms("a", "b"));
  journal.close();
}

test("what was appended is read, each trial with its own histograms", (context) => {
  const path = join(temporaryFolder(context), "j.jsonl");
  writeTwoTrials(path);
  assert.deepEqual(readJournal(path), {
    header: sampleHeader(),
    trials: [sampleTrial("a"), sampleTrial("b")],
    histograms: sampleHistograms("a", "b"),
    tornBytes: 0,
  });
  assert.equal(readFileSync(path, "utf8").split("\n").length, 4);
});

test("cut anywhere in its last line, a journal keeps the trials before it and goes on from there", (context) => {
  const path = join(temporaryFolder(context), "j.jsonl");
  writeTwoTrials(path);
  const whole = readFileSync(path);
  const lastLineStart = whole.lastIndexOf("\n", whole.length - 2) + 1;
  for (const length of [lastLineStart + 1, lastLineStart + 40, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length));
    const { journal, contents } = resumeJournal(path);
    assert.equal(contents.tornBytes, length - lastLineStart);
    assert.deepEqual(contents.trials, [sampleTrial("a")]);
    journal.append(sampleTrial("c"), sampleHistograms("c"));
    journal.close();
    const after = readJournal(path);
    assert.equal(after.tornBytes, 0);
    assert.deepEqual(
      after.trials.map((trial) => trial.id),
      ["a", "c"],
    );
  }
});

for (const [what, code, line, change] of [
  ["a malformed line in the middle", "json-malformed", 2, (lines: string[]) => lines.with(1, "{oops")],
  ["a malformed whole last line", "json-malformed", 3, (lines: string[]) => lines.with(2, "{}}")],
  ["a trial without a field", "schema-mismatch", 3, (lines: string[]) => lines.with(2, "{}")],
  ["an empty line", "json-malformed", 2, (lines: string[]) => lines.toSpliced(1, 0, "")],
  ["a trial twice", "journal-repeats-trial", 4, (lines: string[]) => lines.toSpliced(3, 0, lines[1] ?? "")],
  ["no header", "schema-mismatch", 1, (lines: string[]) => lines.slice(1)],
  [
    "a histogram that is missing",
    "schema-mismatch",
    2,
    (lines: string[]) =>
      lines.with(1, (lines[1] ?? "").replace('{"a/write_latency_ns"', '{"z/write_latency_ns"')),
  ],
] as const) {
  test(`${what} is an error with its line number`, (context) => {
    const path = join(temporaryFolder(context), "j.jsonl");
    writeTwoTrials(path);
    writeFileSync(path, change(readFileSync(path, "utf8").split("\n")).join("\n"));
    assert.throws(
      () => readJournal(path),
      (error: Error) => {
        assert.ok(error.message.startsWith(`${path}: line ${line}: `), error.message);
        assert.equal(Reflect.get(error, "code"), code);
        return Reflect.get(error, "kind") === "input";
      },
    );
  });
}

test("a header that was cut off is said so", (context) => {
  const path = join(temporaryFolder(context), "j.jsonl");
  writeTwoTrials(path);
  truncateSync(path, 20);
  assert.throws(() => resumeJournal(path), { kind: "input", code: "journal-empty" });
});

test("an earlier journal is not overwritten, and a wrong path is not created", (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, "j.jsonl");
  writeTwoTrials(path);
  assert.throws(() => createJournal(path, sampleHeader()), { kind: "refused", code: "journal-exists" });
  assert.equal(readJournal(path).trials.length, 2);
  assert.throws(() => resumeJournal(join(folder, "other.jsonl")), { kind: "input", code: "path-unusable" });
  assert.throws(() => readJournal(join(folder, "other.jsonl")), { kind: "input", code: "path-unusable" });
});

test("two runs cannot share a journal, and a killed one leaves no lock", async (context) => {
  const path = join(temporaryFolder(context), "j.jsonl");
  const holder = `
    const { createJournal } = await import(${JSON.stringify(new URL("../../src/results/journal.js", import.meta.url).href)});
    const { sampleHeader, sampleTrial, sampleHistograms } = await import(${JSON.stringify(new URL("./sample.js", import.meta.url).href)});
    createJournal(${JSON.stringify(path)}, sampleHeader()).append(sampleTrial("a"), sampleHistograms("a"));
    process.stdout.write("holding");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", holder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await new Promise((resolve) => child.stdout.once("data", resolve));
    assert.throws(() => resumeJournal(path), { kind: "refused", code: "journal-in-use" });
    assert.throws(() => createJournal(path, sampleHeader()), { kind: "refused", code: "journal-in-use" });
    assert.equal(readJournal(path).trials.length, 1, "reading needs no lock");
  } finally {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
  }
  const { journal, contents } = resumeJournal(path);
  journal.close();
  assert.equal(contents.trials.length, 1);
});

test("a full disk is a device error, and what was measured stays", (context) => {
  const path = join(temporaryFolder(context), "j.jsonl");
  writeTwoTrials(path);
  appendFileSync(path, "");
  assert.throws(() => createJournal("/dev/full", sampleHeader()), { kind: "device", code: "file-failed" });
  assert.equal(readJournal(path).trials.length, 2);
});
