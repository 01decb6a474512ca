import assert from "node:assert/strict";
import { test } from "node:test";
import { readRepositoryFile } from "./source-tree.js";

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readRepositoryFile("package.json"));
const lockText = readRepositoryFile("package-lock.json");
const locked: Readonly<Record<string, LockedPackage>> = JSON.parse(lockText).packages;

test("dependencies are pinned to one version each", () => {
  const wanted: Record<string, string> = {
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  };
  assert.ok(Object.keys(wanted).length > 5);
  for (const [name, version] of Object.entries(wanted)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  const crate = readRepositoryFile("native/Cargo.toml");
  const versions = [...crate.matchAll(/^[\w-]+ = (?:\{ version = )?"([^"]+)"/gm)].map(
    ([, version]) => version ?? "",
  );
  assert.ok(
    versions.filter((version) => version.startsWith("=")).length >= 4,
    "the addon's crates are pinned by =",
  );
});

test("the lock file names no registry's address", () => {
  assert.doesNotMatch(lockText, /"resolved":/);
});

test("the lock file has every optional platform package, as npm ci demands", () => {
  for (const [place, { optionalDependencies = {} }] of Object.entries(locked)) {
    for (const name of Object.keys(optionalDependencies)) {
      const found = [`node_modules/${name}`, `${place}/node_modules/${name}`].some((path) => path in locked);
      assert.ok(found, `${place} wants ${name}`);
    }
  }
});
