/** The built command line as a user calls it, and the outcome of the call. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** This file runs from dist/test/cli/. */
export const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
export const MAIN = fileURLToPath(new URL("../../src/main.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param preload source of a module that is imported before slotmark, to break it from outside */
export function runSlotmark(args: readonly string[], preload?: string): Outcome {
  const breaking =
    preload === undefined ? [] : ["--import", `data:text/javascript,${encodeURIComponent(preload)}`];
  const child = spawnSync(process.execPath, [...breaking, MAIN, ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: child.status, stdout: child.stdout, stderr: child.stderr };
}
