import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { buildProgram } from "../../src/commands/program.js";
import { writeResult } from "../../src/results/store.js";
import { madeBuild } from "../cli/made-build.js";
import { REPOSITORY } from "../cli/run-slotmark.js";
import { around, madeResult } from "../compare/made-result.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { readRepositoryFile, repositoryFiles } from "./source-tree.js";

const stepSchema = z.strictObject({
  name: z.string().optional(),
  id: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  with: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  shell: z.string().optional(),
  "working-directory": z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  run: z.string().optional(),
});
const actionSchema = z.strictObject({
  name: z.string(),
  description: z.string(),
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })),
  runs: z.strictObject({ using: z.literal("composite"), steps: z.array(stepSchema) }),
});
const workflowSchema = z.looseObject({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), z.looseObject({ "runs-on": z.string(), steps: z.array(stepSchema) })),
});

const actionText = readRepositoryFile("action.yml");
const action = actionSchema.parse(parse(actionText));
const workflows = new Map(
  repositoryFiles()
    .filter((path) => path.startsWith(".github/workflows/"))
    .map((path) => [path, workflowSchema.parse(parse(readRepositoryFile(path)))]),
);
const workflowSteps = [...workflows.values()].flatMap(({ jobs }) =>
  Object.values(jobs).flatMap(({ steps }) => steps),
);

test("the action's inputs are those that it uses, and its steps those that it speaks of", () => {
  const used = new Set([...actionText.matchAll(/\binputs\.([\w-]+)/g)].map(([, name]) => name));
  assert.deepEqual([...used].sort(), Object.keys(action.inputs).sort());
  const ids = action.runs.steps.flatMap(({ id }) => id ?? []);
  for (const [, id = "", output = ""] of actionText.matchAll(/\bsteps\.([\w-]+)\.outputs\.([\w-]+)/g)) {
    assert.ok(ids.includes(id), id);
    assert.ok(actionText.includes(`"${output}=`), output);
  }
});

test("a step of the action runs something or uses something, in a shell that it names, and takes no expression into a script", () => {
  for (const { run, uses, shell } of action.runs.steps) {
    assert.equal((run === undefined) !== (uses === undefined), true);
    if (run !== undefined) {
      assert.equal(shell, "bash");
      assert.doesNotMatch(run, /\$\{\{/);
    }
  }
});

test("every variable of a script is the runner's, the step's or its own, and every script is bash", () => {
  for (const { run, env = {} } of [...action.runs.steps, ...workflowSteps]) {
    if (run === undefined) continue;
    const checked = spawnSync("bash", ["-n"], { input: run, encoding: "utf8" });
    assert.equal(checked.status, 0, checked.stderr);
    const set = new Set([
      ...Object.keys(env),
      ...[...run.matchAll(/^\s*(?:if [^;]*; then )?(\w+)=/gm)].map(([, name]) => name),
      ...[...run.matchAll(/mapfile -t (\w+)/g)].map(([, name]) => name),
    ]);
    for (const [, name = ""] of run.matchAll(/\$\{?([A-Za-z_]\w*)/g))
      assert.ok(set.has(name) || /^(GITHUB|RUNNER)_|^HOME$/.test(name), name);
  }
});

test("every slotmark command of a script is one, and has the options that it is given", async () => {
  const { commands } = await buildProgram();
  const called = new Set<string>();
  for (const { run = "" } of action.runs.steps) {
    const joined = run.replaceAll(/\\\n/g, " ");
    for (const [, name, rest = ""] of joined.matchAll(/\bslotmark (?!gate\b)([a-z]+) (.*)/g)) {
      const command = commands.find((one) => one.name() === name);
      assert.ok(command !== undefined, `slotmark ${name}`);
      const known = new Set([
        ...command.options.map(({ long }) => long),
        ...(command.parent?.options ?? []).map(({ long }) => long),
      ]);
      for (const [option] of rest.matchAll(/--[a-z][\w-]*/g))
        assert.ok(known.has(option), `slotmark ${name} ${option}`);
      called.add(command.name());
    }
  }
  assert.deepEqual([...called].sort(), ["ab", "compare", "run"]);
});

test("who uses the action gives it inputs that it has; the options in them exist", async () => {
  const { commands } = await buildProgram();
  const run = commands.find((one) => one.name() === "run");
  const users = workflowSteps.filter(({ uses }) => uses === "./");
  assert.ok(users.length > 0);
  for (const { with: given = {} } of users) {
    for (const name of Object.keys(given)) assert.ok(name in action.inputs, name);
    for (const [option] of String(given["run-options"] ?? "").matchAll(/--[a-z][\w-]*/g))
      assert.ok(
        run?.options.some(({ long }) => long === option),
        option,
      );
  }
});

test("the repository runs all of its checks and gates itself", () => {
  assert.ok(workflowSteps.some(({ run }) => run === ".ci/run"));
  for (const [path, { permissions }] of workflows) assert.deepEqual(permissions, { contents: "read" }, path);
});

/**
 * The action's judging step as a runner calls it.
 * @param slotmark what the function of that name does in it
 */
function judgingStep(folder: string, slotmark: string, environment: Readonly<Record<string, string>>) {
  const step = action.runs.steps.find(({ id }) => id === "judge");
  const stub = `slotmark() { ${slotmark}; }`;
  const script = (step?.run ?? "").replace(/^slotmark\(\) .*$/m, () => stub);
  assert.ok(script.includes(stub));
  const file = (name: string) => join(folder, name);
  for (const name of ["summary.md", "output"]) writeFileSync(file(name), "");
  const { status, stdout } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    encoding: "utf8",
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      RUNNER_TEMP: folder,
      GITHUB_STEP_SUMMARY: file("summary.md"),
      GITHUB_OUTPUT: file("output"),
      ...{ SUITE: "bitmap", RUN_OPTIONS: "--chunk 64K", BASE_REF: "", CALIBRATION: "", STRICT: "false" },
      ...environment,
    },
  });
  const read = (name: string) => readFileSync(file(name), "utf8");
  return { code: status, stdout, summary: read("summary.md"), output: read("output") };
}

const MAIN_OF_THIS = `node "${REPOSITORY}/dist/src/main.js" "$@"`;

/** The step with a baseline. `run` alone measures; what it would have written is given instead. */
function judged(folder: string, slower: number, environment: Readonly<Record<string, string>> = {}) {
  const latencies = (middle: number) =>
    madeResult([{ labels: { bitmap: "on" }, figures: { "write_latency_ns:p50": around(middle, 2) } }]);
  const base = join(folder, "slotmark-baseline", "head.json");
  const head = join(folder, "measured.json");
  writeResult(head, latencies(400_000 * slower));
  mkdirSync(join(folder, "slotmark-baseline"));
  writeResult(base, latencies(400_000));
  const slotmark = `if [ "$1" = run ]; then cp "${head}" "\${@: -1}"; else ${MAIN_OF_THIS}; fi`;
  const options = { ACTION_PATH: REPOSITORY, COMPARE_OPTIONS: "--metric 'write_latency_ns:p50'" };
  return judgingStep(folder, slotmark, { ...options, ...environment });
}

test("the judging step fails for a regression, with annotations, summary and outputs", (context) => {
  const { code, stdout, summary, output } = judged(temporaryFolder(context), 1.3);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^::error title=slotmark%3A write_latency_ns%3Ap50 regressed::/m);
  assert.match(summary, /^### slotmark: regressed/m);
  assert.match(output, /^exit-code=1\nresult=.*head\.json$/m);
});

test("the judging step passes where nothing is slower, and where nothing can be judged unless it is strict", (context) => {
  assert.equal(judged(temporaryFolder(context), 1).code, 0);
  const options = { COMPARE_OPTIONS: "--metric 'lock_latency_ns*'" };
  const lenient = judged(temporaryFolder(context), 1, options);
  assert.equal(lenient.code, 0);
  assert.match(lenient.output, /^exit-code=4$/m);
  assert.match(lenient.stdout, /^::notice title=slotmark::nothing could be judged/m);
  assert.equal(judged(temporaryFolder(context), 1, { ...options, STRICT: "true" }).code, 4);
});

test("with a base commit both sides run by turns, a regression fails, and the summary is of that comparison", (context) => {
  const folder = temporaryFolder(context);
  const [base, slower] = [
    madeBuild(folder, "base", { factor: 1 }),
    madeBuild(folder, "slower", { factor: 1.3 }),
  ];
  // The builds measure nothing; this one compares what they give.
  const gate = (head: string) =>
    judgingStep(folder, MAIN_OF_THIS, { ACTION_PATH: head, BASE_REF: base, COMPARE_OPTIONS: "" });
  const worse = gate(slower);
  assert.equal(worse.code, 1, worse.stdout);
  assert.match(worse.stdout, /^::error title=slotmark%3A write_latency_ns%3Ap50 regressed::/m);
  assert.match(worse.summary, /^### slotmark: regressed/m);
  assert.match(worse.summary, /signed-rank/);
  assert.match(worse.output, /^exit-code=1\nresult=.*b\.json$/m);
  const equal = gate(base);
  assert.equal(equal.code, 0, equal.stdout);
});

test("a defect or bad usage fails the step and is no regression", (context) => {
  const { code } = judged(temporaryFolder(context), 1, { COMPARE_OPTIONS: "--no-such-option" });
  assert.equal(code, 2);
});
