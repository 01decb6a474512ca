/** Programs of the host that the lab calls: their output, or an error that quotes what they said. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { SlotmarkError } from "../src/errors.js";

const execute = promisify(execFile);
const MAX_OUTPUT_BYTES = 1 << 26;

/**
 * Standard output of a program that must succeed.
 * @throws SlotmarkError `lab-command-failed` with the program's last words
 */
export async function outputOf(
  command: string,
  commandArguments: readonly string[],
  directory?: string,
): Promise<string> {
  try {
    const { stdout } = await execute(command, [...commandArguments], {
      cwd: directory,
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { ...process.env, LC_ALL: "C" },
    });
    return stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new SlotmarkError(
      "input",
      "lab-command-failed",
      `${[command, ...commandArguments].join(" ").slice(0, 200)}: ${said.slice(-500) || "failed"}`,
      "Run the command by hand to see why.",
    );
  }
}
