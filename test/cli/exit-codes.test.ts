import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";
import { MAIN, runSlotmark } from "./run-slotmark.js";

const STACK_TRACE = /^\s+at .*[:(]/m;

/** One JSON document on stdout, and it is an error of the contract's shape. */
function errorOf(stdout: string): { code: string; message: string; remedy: string } {
  const { error } = JSON.parse(stdout);
  for (const field of ["code", "message", "remedy"]) assert.equal(typeof error[field], "string", field);
  return error;
}

test("help and version end with 0", () => {
  assert.deepEqual(runSlotmark(["--version"]), { code: 0, stdout: "0.1.0\n", stderr: "" });
  const help = runSlotmark(["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Usage: slotmark/);
});

for (const [what, args] of Object.entries({
  "no command": [],
  "an unknown command": ["measure"],
  "an unknown option": ["--colour"],
  "a missing argument": ["schema"],
  "an unknown option of a command": ["schema", "result", "--pretty"],
  "a surplus argument": ["schema", "result", "scenario"],
})) {
  test(`bad usage ends with 2: ${what}`, () => {
    const plain = runSlotmark(args);
    assert.equal(plain.code, 2);
    assert.equal(plain.stdout, "");
    assert.match(plain.stderr, /^slotmark: .+\nRun slotmark --help/m);
    assert.doesNotMatch(plain.stderr, STACK_TRACE);

    const json = runSlotmark([...args, "--json"]);
    assert.equal(json.code, 2);
    assert.equal(errorOf(json.stdout).code, "usage");
  });
}

test("an error of slotmark's own says what, where and the way out", () => {
  const outcome = runSlotmark(["--json", "schema", "nonsense"]);
  assert.equal(outcome.code, 2);
  const error = errorOf(outcome.stdout);
  assert.equal(error.code, "schema-unknown");
  assert.match(error.message, /"nonsense"/);
  assert.match(outcome.stderr, /^slotmark: .*"nonsense"\n.+\n$/);
});

/** A module to import before slotmark, after which `slotmark schema` does what `action` says. */
function withSchemaAction(action: string): string {
  const source = `export function registerSchema(program) { program.command("schema").action(${action}); }`;
  const hooks = `export async function load(url, context, next) {
    if (!url.endsWith("/commands/schema.js")) return next(url, context);
    return { format: "module", shortCircuit: true, source: ${JSON.stringify(source)} };
  }`;
  return `import { register } from "node:module";
    register("data:text/javascript,${encodeURIComponent(hooks)}");`;
}

const NEVER = "await new Promise((resolve) => setTimeout(resolve, 1e6))";
for (const [what, action] of Object.entries({
  "a throw inside a command": `() => { throw new TypeError("broken on purpose\\n    at nowhere (file.js:1:1)"); }`,
  "an uncaught exception": `async () => { setImmediate(() => { throw new Error("broken on purpose"); }); ${NEVER}; }`,
  "an unhandled rejection": `async () => { Promise.reject(new Error("broken on purpose")); ${NEVER}; }`,
  "a rejection with no error": `async () => { Promise.reject(undefined); ${NEVER}; }`,
  "a stack that overflows": "function action() { action(); }",
  "a wait for what never comes": "() => new Promise(() => {})",
  "a module that does not load": "syntax error(",
})) {
  test(`a crash ends with 70, one sentence and no stack trace: ${what}`, () => {
    const plain = runSlotmark(["schema"], withSchemaAction(action));
    assert.equal(plain.code, 70, plain.stderr);
    assert.equal(plain.stdout, "");
    assert.match(plain.stderr, /^slotmark: a defect of slotmark itself [^\n]+\n$/);
    assert.doesNotMatch(plain.stderr, STACK_TRACE);

    const json = runSlotmark(["schema", "--json"], withSchemaAction(action));
    assert.equal(json.code, 70, json.stderr);
    assert.equal(errorOf(json.stdout).code, "defect");
  });
}

test("a folder without its packages is a set-up that is incomplete, exit 2", () => {
  const hooks = `export async function resolve(name, context, next) {
    if (name === "commander") throw Object.assign(new Error("Cannot find package 'commander' imported from x"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  }`;
  const preload = `import { register } from "node:module";
    register("data:text/javascript,${encodeURIComponent(hooks)}");`;
  const outcome = runSlotmark(["schema", "result", "--json"], preload);
  assert.equal(outcome.code, 2, outcome.stderr);
  const error = errorOf(outcome.stdout);
  assert.equal(error.code, "setup-incomplete");
  assert.match(error.remedy, /node setup\.mjs/);
});

test("a reader that goes away is no failure", () => {
  const child = spawnSync("sh", ["-c", `"$0" "$1" schema result | head -c 1; true`, process.execPath, MAIN], {
    encoding: "utf8",
  });
  assert.equal(child.stdout, "{");
  assert.equal(child.stderr, "");
});

test("EPIPE leaves the exit code as it is", async () => {
  const child = spawn(process.execPath, [MAIN, "schema", "result"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});

test("an output that cannot be written ends with 74", () => {
  const full = openSync("/dev/full", "w");
  try {
    const child = spawnSync(process.execPath, [MAIN, "schema", "result"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    assert.equal(child.status, 74);
    assert.match(child.stderr, /^slotmark: standard output cannot be written \(ENOSPC\)\n$/);
  } finally {
    closeSync(full);
  }
});
