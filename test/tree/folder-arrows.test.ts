import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readRepositoryFile, sourceFiles } from "./source-tree.js";

/** Rooms of `src/` from top to bottom: imports point down this list. */
const ROOMS = [
  "main.ts",
  "commands",
  "report",
  "compare",
  "results",
  "measure",
  "scenario",
  "cluster",
  "replay",
  "bitmap",
  "block-trace",
  "dlm",
  "storage",
  "ondisk",
  "errors.ts",
];
/** On one level: none imports another. */
const NEIGHBOURS = new Set(["bitmap", "block-trace", "dlm", "storage"]);

/** `src/storage/member.ts` → `storage`; a file of `src/` itself is its own room. */
function roomOf(path: string): string {
  return path.split("/")[1] ?? path;
}

/** Paths that a file imports, statically or not, as far as they are the project's own. */
function importsOf(path: string): string[] {
  const text = readRepositoryFile(path);
  const specifiers = text.matchAll(/(?:\bfrom|\bimport|\bimport\(|new URL\()\s*"(\.{1,2}\/[^"]+)"/g);
  return [...specifiers].map(([, specifier = ""]) => join(dirname(path), specifier).replace(/\.js$/, ".ts"));
}

function isAllowed(from: string, to: string): boolean {
  if (from === to) return true;
  if (NEIGHBOURS.has(from) && NEIGHBOURS.has(to)) return false;
  return ROOMS.indexOf(to) > ROOMS.indexOf(from);
}

test("the rule itself: down is allowed, up and across are not", () => {
  assert.ok(isAllowed("commands", "results"));
  assert.ok(isAllowed("cluster", "replay"));
  assert.ok(isAllowed("storage", "ondisk"));
  assert.ok(!isAllowed("results", "report"));
  assert.ok(!isAllowed("bitmap", "storage"));
  assert.ok(!isAllowed("block-trace", "storage"));
  assert.ok(!isAllowed("ondisk", "storage"));
  assert.ok(!isAllowed("errors.ts", "ondisk"));
});

test("every import points down", () => {
  const files = sourceFiles();
  let imports = 0;
  for (const file of files) {
    assert.ok(ROOMS.includes(roomOf(file)), `${file}: a folder that the design does not know`);
    for (const target of importsOf(file)) {
      // The package's built parts (addon, WASM) lie outside src and are loaded by path.
      if (!target.startsWith("src/")) {
        assert.doesNotMatch(target, /^(test|bench|lab)\//, `${file} imports ${target}`);
        continue;
      }
      imports++;
      assert.ok(isAllowed(roomOf(file), roomOf(target)), `${file} imports ${target}`);
    }
  }
  assert.ok(imports > files.length, "imports were found");
});

test("only main.ts touches the process's arguments, exit codes and signals", () => {
  const touches = /\bprocess\.(argv|exit\b|exitCode|on\(|once\(|abort\(|kill\()/;
  assert.match(readRepositoryFile("src/main.ts"), touches);
  const others = sourceFiles().filter(
    (path) => path !== "src/main.ts" && touches.test(readRepositoryFile(path)),
  );
  assert.deepEqual(others, []);
});
