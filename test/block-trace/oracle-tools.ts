/** Programs that we did not write, and that say what a trace means. Without them a test is skipped, under CI it fails. */
import { spawnSync } from "node:child_process";

export function missing(program: string): string | false {
  if (process.env.CI === "true") return false;
  return spawnSync(program, ["--version"]).error === undefined ? false : `there is no ${program} here`;
}

export function runTool(program: string, args: readonly string[], cwd: string): string {
  const child = spawnSync(program, args, { cwd, encoding: "utf8", timeout: 60_000 });
  if (child.error !== undefined) throw child.error;
  if (child.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${child.stderr}${child.stdout}`);
  return child.stdout;
}
