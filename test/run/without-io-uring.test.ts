/** Runs in processes that the kernel refuses io_uring, wholly or in part, by a seccomp filter as containers have one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { readResult } from "../../src/results/store.js";
import { MAIN } from "../cli/run-slotmark.js";
import { whyMissing } from "../storage/machine.js";
import { runFolder, smallRun } from "./run-folder.js";

const SETUP = 425;
const REGISTER = 427;
const REGISTER_BUFFERS = 0;
const REGISTER_FILES = 2;
const EPERM = 1;
const ENOMEM = 12;
/** prctl(2) by architecture; the others have one number everywhere. */
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];
const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const unlessEqual = (value: number, skip: number): Instruction => [0x15, 0, skip, value];
const refuse = (errno: number): Instruction => [0x06, 0, 0, 0x50000 + errno];
const ALLOW: Instruction = [0x06, 0, 0, 0x7fff0000];
const NUMBER = 0;
const SECOND_ARGUMENT = 24;
const FOURTH_ARGUMENT = 40;

const REFUSE_SETUP = [load(NUMBER), unlessEqual(SETUP, 1), refuse(EPERM), ALLOW];
const refuseRegister = (what: number, errno: number) => [
  ...[load(NUMBER), unlessEqual(REGISTER, 3), load(SECOND_ARGUMENT), unlessEqual(what, 1)],
  ...[refuse(errno), ALLOW],
];

/** Runs slotmark under the filter, which perl sets: Node has no such call. */
function runFiltered(filter: readonly Instruction[], args: readonly string[]) {
  const prctl = PRCTL[process.arch];
  const script =
    `my $filter = pack("(SCCL)*", ${filter.flat().join(",")});` +
    `my $program = pack("S x6 P", ${filter.length}, $filter);` +
    `syscall(${prctl}, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";` +
    `syscall(${prctl}, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";` +
    "exec @ARGV or die $!;";
  const { status, stdout, stderr } = spawnSync("perl", ["-e", script, process.execPath, MAIN, ...args], {
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

function whyNot(): string | undefined {
  const reason =
    whyMissing("perl") ?? (PRCTL[process.arch] === undefined ? "needs prctl's number" : undefined);
  if (reason !== undefined && process.env.CI === "true") throw new Error(reason);
  return reason;
}

function filteredTest(name: string, body: (t: TestContext) => void): void {
  test(name, (t) => {
    const reason = whyNot();
    if (reason !== undefined) return t.skip(reason);
    body(t);
  });
}

for (const [what, filter, errno] of [
  ["no ring", REFUSE_SETUP, "EPERM"],
  ["no registered files", refuseRegister(REGISTER_FILES, ENOMEM), "ENOMEM"],
] as const) {
  filteredTest(`${what}: the run goes on with psync, and its result and table say why`, (t) => {
    const run = smallRun(runFolder(t), "--trials", "1");
    const { code, stdout, stderr } = runFiltered(filter, run.args);
    assert.equal(code, 0, stderr);
    const result = readResult(run.out);
    assert.deepEqual(result.backends, { dlm: "embedded", io: "psync", members: "serial" });
    const text = result.warnings.find((warning) => warning.code === "io-uring-refused")?.text;
    assert.equal(
      text,
      `The kernel gives this process no io_uring (${errno}): pages and data were written with io psync instead.`,
    );
    assert.ok(stdout.replace(/\s+/g, " ").includes(text), stdout);
    assert.equal(fs.existsSync(run.journal), false);
  });

  filteredTest(`${what}: --io uring is refused with exit 2, and nothing is made`, (t) => {
    const folder = runFolder(t);
    const { code, stderr } = runFiltered(filter, smallRun(folder, "--io", "uring").args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`no io_uring \\(${errno}\\)[^]*--io psync`));
    assert.deepEqual(fs.readdirSync(folder), []);
  });
}

filteredTest(
  "refused when members are opened, after the probe: the run begins anew with psync, and says why",
  (t) => {
    const run = smallRun(runFolder(t), "--trials", "1");
    // The probe registers one file, a node its two members.
    const ofTwoFiles = [
      ...[load(NUMBER), unlessEqual(REGISTER, 5), load(SECOND_ARGUMENT), unlessEqual(REGISTER_FILES, 3)],
      ...[load(FOURTH_ARGUMENT), unlessEqual(2, 1), refuse(ENOMEM), ALLOW],
    ];
    const { code, stdout, stderr } = runFiltered(ofTwoFiles, run.args);
    assert.equal(code, 0, stderr);
    const result = readResult(run.out);
    assert.deepEqual(result.backends, { dlm: "embedded", io: "psync", members: "serial" });
    assert.match(
      result.warnings.find((warning) => warning.code === "io-uring-refused")?.text ?? "",
      /no io_uring \(ENOMEM\): pages and data were written with io psync instead/,
    );
    assert.match(stdout, /io psync instead/);
    assert.equal(fs.existsSync(run.journal), false);
  },
);

filteredTest("no registered buffers: the run writes through io_uring all the same, and says so", (t) => {
  const run = smallRun(runFolder(t), "--trials", "1");
  const { code, stdout, stderr } = runFiltered(refuseRegister(REGISTER_BUFFERS, ENOMEM), run.args);
  assert.equal(code, 0, stderr);
  const result = readResult(run.out);
  assert.equal(result.backends.io, "uring");
  const writing = result.trials.filter(({ labels }) => labels.bitmap !== undefined);
  assert.ok(writing.every(({ labels }) => labels.registeredBuffers === false));
  assert.ok(result.warnings.some((warning) => warning.code === "buffers-not-registered"));
  assert.match(stdout, /RLIMIT_MEMLOCK/);
  const [one, other] = run.members.map((member) => fs.readFileSync(member).subarray(8192));
  assert.ok(one !== undefined && other !== undefined && one.equals(other));
});

filteredTest("doctor says that there is no ring", () => {
  const { code, stdout } = runFiltered(REFUSE_SETUP, ["doctor", "--json"]);
  assert.equal(code, 0);
  const found = JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === "io_uring");
  assert.equal(found.status, "warning");
  assert.match(found.found, /no ring can be set up \(EPERM\)/);
});
