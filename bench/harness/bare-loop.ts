/** The bare Rust loop of `native/examples/bare_ring.rs` on a recording. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Cost } from "../interleave.js";

/** From `dist/bench/harness/`. */
const CRATE = fileURLToPath(new URL("../../../native/", import.meta.url));
const BUILD = fileURLToPath(new URL("../../../build/bench-bare-ring/", import.meta.url));
const output = z.object({ elapsedNs: z.number(), cpuNs: z.number() });

/** @returns the program's path */
export function buildBareLoop(): string {
  const options = ["build", "--release", "--locked", "--quiet", "--example", "bare_ring"];
  execFileSync("cargo", [...options, "--target-dir", BUILD], {
    cwd: CRATE,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return `${BUILD}release/examples/bare_ring`;
}

/**
 * @param waiting `each`: it hears of data writes one by one, as a node does; `all`: one wait for every batch
 * @param writes application writes in the recording
 */
export function runBareLoop(
  program: string,
  waiting: "each" | "all",
  recording: string,
  paths: readonly string[],
  writes: number,
): Cost {
  const { elapsedNs, cpuNs } = output.parse(
    JSON.parse(execFileSync(program, [waiting, recording, ...paths], { encoding: "utf8" })),
  );
  return { perSecond: (writes * 1e9) / elapsedNs, cpuNsEach: cpuNs / writes };
}
