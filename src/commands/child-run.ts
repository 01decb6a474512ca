/**
 * A run in a process of its own: nothing of the run before (compiled code, heap, warm caches of the runtime) helps or hinders it. Its
 * errors come back as if it had been run here.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { type ErrorKind, SlotmarkError } from "../errors.js";
import type { Result } from "../results/schema.js";
import { readResult } from "../results/store.js";

/** This build's command line. */
export const OWN_MAIN = join(import.meta.dirname, "..", "main.js");

/** As main.ts gives them; a child that ends with anything else has a defect. */
const KIND_OF_CODE: Readonly<Record<number, ErrorKind>> = {
  2: "input",
  3: "incomparable",
  4: "nothing",
  74: "device",
};

export interface ChildRun {
  /** The build's main.js. */
  readonly main: string;
  /** What follows `slotmark run`, without --out. */
  readonly args: readonly string[];
  readonly out: string;
  /** Beside this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * @returns null where `signal` ended it
 * @throws SlotmarkError what the run said
 */
export async function childRun({ main, args, out, environment, signal }: ChildRun): Promise<Result | null> {
  const child = spawn(process.execPath, [main, "run", ...args, "--out", out, "--json", "--quiet"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  // A terminal's Ctrl-C reaches the child by itself; a signal to this process alone does not.
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    if (signal.aborted) return null;
    if (code === 0) return readResult(out);
    throw errorOf(code, stdout, stderr);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function errorOf(code: number | null, stdout: string, stderr: string): SlotmarkError {
  const kind = KIND_OF_CODE[code ?? -1] ?? "defect";
  try {
    const { error } = JSON.parse(stdout);
    return new SlotmarkError(kind, String(error.code), String(error.message), String(error.remedy));
  } catch {
    const said = stderr.trim().split("\n")[0] ?? "";
    const message = `a run in a process of its own ended with ${code === null ? "a signal" : `code ${code}`}${said === "" ? "" : `: ${said}`}`;
    return new SlotmarkError(
      kind,
      "child-run-failed",
      message,
      "Run the same suite by `slotmark run` to see more.",
    );
  }
}
