/** `slotmark doctor`: what this machine can do and what would disturb a measurement; exit 2 if no run is possible. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { Check } from "../measure/check.js";
import { captureEnvironment } from "../measure/environment.js";
import { machineChecks } from "../measure/machine-checks.js";
import { memberChecks } from "../measure/member-checks.js";
import { checkTable } from "../report/check-table.js";
import { ReportedFailure } from "./reported-failure.js";

/** A run without `--member` makes its files here, and each takes up to this much. */
const DEFAULT_MEMBER = "slotmark-member.img";
const DEFAULT_MEMBER_BYTES = 1024 ** 3;

const collect = (value: string, before: readonly string[]) => [...before, value];

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("what this machine can do and what would disturb a measurement")
    .option(
      "--member <path>",
      "file or block device that a run would write to (repeat; default: a temporary file)",
      collect,
      [],
    )
    .action(async (options: { member: string[] }, command: Command) => {
      const { json = false } = command.optsWithGlobals<{ json?: boolean }>();
      const paths = options.member.length > 0 ? options.member : [join(tmpdir(), DEFAULT_MEMBER)];
      const environment = captureEnvironment(paths);
      const checks: Check[] = machineChecks(environment);
      for (const member of environment.members)
        checks.push(...(await memberChecks(member, DEFAULT_MEMBER_BYTES)));
      const possible = checks.every(({ status }) => status !== "impossible");
      process.stdout.write(
        json
          ? `${JSON.stringify({ possible, checks, environment }, null, 2)}\n`
          : checkTable(possible, checks),
      );
      if (!possible) throw new ReportedFailure("refused", "run-impossible", "no run is possible here");
    });
}
