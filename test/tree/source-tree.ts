/** The repository's own files, for the tests that hold its rules. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../cli/run-slotmark.js";

/** Files that git tracks or would add, as paths from the repository's root. */
export function repositoryFiles(): string[] {
  const listed = execFileSync(
    "git",
    [
      "-c",
      "safe.directory=*",
      "-C",
      REPOSITORY,
      "ls-files",
      "-z",
      "--cached",
      "--others",
      "--exclude-standard",
    ],
    {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    },
  );
  return listed.split("\0").filter((path) => path !== "");
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(REPOSITORY, path), "utf8");
}

export function sourceFiles(): string[] {
  return repositoryFiles().filter((path) => path.startsWith("src/") && path.endsWith(".ts"));
}
