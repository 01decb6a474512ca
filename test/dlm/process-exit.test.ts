import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const EXITING = fileURLToPath(new URL("./exiting-process.js", import.meta.url));

/** Runs `exiting-process.js` in one of its ways; exit code, signal and standard error. */
async function run(way: string) {
  const child = spawn(process.execPath, [EXITING, way], { stdio: ["ignore", "ignore", "pipe"] });
  let standardError = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    standardError += text;
  });
  const [code, signal] = await once(child, "close");
  return { code, signal, standardError };
}

for (const { way, what } of [
  { way: "return", what: "a process whose main module ends with locks held ends" },
  { way: "exit", what: "process.exit with locks held, a request that waits and threads in native waits" },
]) {
  test(what, { timeout: 60_000 }, async () => {
    assert.deepEqual(await run(way), { code: 0, signal: null, standardError: "" });
  });
}

test("an error in a callback from the event loop is an uncaught one", { timeout: 60_000 }, async () => {
  const { code, signal, standardError } = await run("throw");
  assert.deepEqual([code, signal], [1, null]);
  assert.match(standardError, /Error: on purpose/);
});

test("a request that waits keeps the process alive until it completes", { timeout: 60_000 }, async () => {
  assert.deepEqual(await run("wait"), { code: 7, signal: null, standardError: "" });
});
