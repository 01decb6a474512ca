import assert from "node:assert/strict";
import { test } from "node:test";
import { readRepositoryFile, repositoryFiles } from "./source-tree.js";

/** A file's opening comment, markers taken off; undefined where it opens with anything else. */
function openingComment(text: string): string | undefined {
  const body = text.replace(/^#!.*\n/, "").trimStart();
  const block = /^\/\*\*?([\s\S]*?)\*\//.exec(body)?.[1];
  const lines = /^(?:\/\/[!/]?.*\n?)+/.exec(body)?.[0];
  return (block ?? lines)?.replace(/^\s*(\*|\/\/[!/]?)/gm, "").trim();
}

test("every source file says what it is for before anything else", () => {
  const sources = repositoryFiles().filter((path) =>
    /^(src|assembly|native\/src|bench)\/.*\.(ts|rs)$/.test(path),
  );
  assert.ok(sources.length > 50);
  const silent = sources.filter((path) => {
    const comment = openingComment(readRepositoryFile(path));
    return comment === undefined || comment.split(/\s+/).length < 4;
  });
  assert.deepEqual(silent, []);
});

test("a comment of a few words is no purpose, nor is one that follows code", () => {
  assert.equal(openingComment('import x from "y";\n/** Too late. */'), undefined);
  assert.equal(
    openingComment("#!/usr/bin/env node\n/**\n * What it\n * is for.\n */\n")?.split(/\s+/).length,
    4,
  );
  assert.equal(openingComment("//! One.\n//! Two.\nfn main() {}"), "One.\n Two.");
});
