/** `slotmark doctor`: what this machine can do and what would disturb a measurement; exit 2 if no run is possible. */
import { join } from "node:path";
import type { Command } from "commander";
import type { Check } from "../measure/check.js";
import { defaultMemberFolder } from "../measure/default-member-folder.js";
import { captureEnvironment } from "../measure/environment.js";
import { machineChecks } from "../measure/machine-checks.js";
import { memberChecks } from "../measure/member-checks.js";
import { checkTable } from "../report/check-table.js";
import { quick } from "../scenario/bitmap-suites.js";
import { repeatedOption } from "./repeated-option.js";
import { ReportedFailure } from "./reported-failure.js";

/** Nothing is made under this name: it stands for the files that a run without `--member` makes. */
const DEFAULT_MEMBER = "slotmark-member.img";

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("what this machine can do and what would disturb a measurement")
    .addOption(
      repeatedOption(
        "--member <path>",
        "file or block device that a run would write; repeat it for each",
        "a temporary file",
      ),
    )
    .action(async (options: { member: string[] }, command: Command) => {
      const { json = false } = command.optsWithGlobals<{ json?: boolean }>();
      const isDefault = options.member.length === 0;
      const paths = isDefault ? [join(defaultMemberFolder(), DEFAULT_MEMBER)] : options.member;
      const { sizeBytes, memberCount } = quick;
      const neededBytes = isDefault ? memberCount * sizeBytes : sizeBytes;
      const environment = captureEnvironment(paths);
      const checks: Check[] = machineChecks(environment);
      for (const member of environment.members) checks.push(...(await memberChecks(member, neededBytes)));
      const possible = checks.every(({ status }) => status !== "impossible");
      process.stdout.write(
        json
          ? `${JSON.stringify({ possible, checks, environment }, null, 2)}\n`
          : checkTable(possible, checks),
      );
      if (!possible) throw new ReportedFailure("refused", "run-impossible", "no run is possible here");
    });
}
