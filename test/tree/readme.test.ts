import assert from "node:assert/strict";
import { test } from "node:test";
import { buildProgram } from "../../src/commands/program.js";
import { readRepositoryFile, sourceFiles } from "./source-tree.js";

const readme = readRepositoryFile("README.md");

test("the README lists every command there is, and no other", async () => {
  const program = await buildProgram();
  const listed = [...readme.matchAll(/^\| `(\w+)(?: [^`/]*)?` *\|/gm)].map(([, name]) => name);
  assert.deepEqual(listed.sort(), program.commands.map((command) => command.name()).sort());
});

test("the README names every folder of src", () => {
  const folders = new Set(sourceFiles().map((path) => path.split("/")[1] ?? ""));
  for (const folder of [...folders].filter((name) => !name.endsWith(".ts"))) {
    assert.ok(readme.includes(`\n| \`src/${folder}/\` `), folder);
  }
});

test("the README's commands to begin with are scripts of the package", () => {
  const { scripts } = JSON.parse(readRepositoryFile("package.json"));
  for (const [, name = ""] of readme.matchAll(/^npm (start|test|run \S+)/gm)) {
    assert.ok(scripts[name.replace("run ", "")] !== undefined, name);
  }
});
