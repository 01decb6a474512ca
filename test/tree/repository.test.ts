import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { REPOSITORY } from "../cli/run-slotmark.js";
import { readRepositoryFile, repositoryFiles } from "./source-tree.js";

const LARGEST_FILE_BYTES = 1 << 20;
const LARGEST_SOURCE_LINES = 400;

test("no file is larger than a repository should carry, and nothing built is in it", () => {
  const files = repositoryFiles().filter((path) => existsSync(join(REPOSITORY, path)));
  assert.ok(files.length > 100);
  for (const path of files) {
    assert.ok(statSync(join(REPOSITORY, path)).size <= LARGEST_FILE_BYTES, path);
    assert.doesNotMatch(path, /(^|\/)(node_modules|dist|build|target)\/|\.(node|wasm|tsbuildinfo)$/);
  }
});

test("no source file has grown beyond what one reads in a sitting", () => {
  const sources = repositoryFiles().filter((path) =>
    /^(src|assembly|native\/src|bench)\/.*\.(ts|rs)$/.test(path),
  );
  const long = sources.filter((path) => readRepositoryFile(path).split("\n").length > LARGEST_SOURCE_LINES);
  assert.deepEqual(long, []);
});
