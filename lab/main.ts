#!/usr/bin/env node
/** The lab by hand: `node dist/lab/main.js run 'dlm_tool status'` boots both machines, runs that on each, and stops them. */
import { realpathSync } from "node:fs";
import { createInterface } from "node:readline";
import { Command } from "commander";
import { SlotmarkError } from "../src/errors.js";
import { Lab, type LabOptions, NODES, type NodeNumber } from "./lab.js";
import { missingForLab } from "./requirements.js";

function say(text: string): void {
  process.stderr.write(`lab: ${text}\n`);
}

interface MachineOptions {
  readonly disk: string[];
  readonly share?: string;
}

function labOptions({ disk, share }: MachineOptions): LabOptions {
  return {
    disks: disk.map((path) => realpathSync(path)),
    progress: say,
    ...(share === undefined ? {} : { sharedFolder: realpathSync(share) }),
  };
}

/** Boots, works, and stops also where the work or the person ends it early. */
async function withLab(options: LabOptions, work: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await Lab.start(options);
  try {
    await work(lab);
  } finally {
    await lab.stop();
  }
}

async function runAndPrint(lab: Lab, node: NodeNumber, script: string): Promise<number> {
  const { exitCode, output } = await lab.guest(node).run(script, 600_000);
  process.stdout.write(output.replace(/^(?=.)/gm, `node${node}: `));
  if (exitCode !== 0) say(`node${node}: exit code ${exitCode}`);
  return exitCode;
}

/** Lines of standard input: "1 COMMAND", "2 COMMAND", "kill 1" or "kill 2". */
async function readCommands(lab: Lab): Promise<void> {
  say("ready: 1 COMMAND, 2 COMMAND, kill 1, kill 2; the end of the input stops both");
  for await (const line of createInterface({ input: process.stdin })) {
    const [, kill, digit, script = ""] = /^(kill )?([12])(?: (.*))?$/.exec(line.trim()) ?? [];
    const node = NODES.find((candidate) => String(candidate) === digit);
    if (node === undefined) say(`not understood: ${line}`);
    else if (kill !== undefined) await lab.guest(node).kill();
    else await runAndPrint(lab, node, script).catch((error: unknown) => say(String(error)));
  }
}

function withMachineOptions(command: Command): Command {
  const collect = (path: string, paths: string[]) => [...paths, path];
  return command
    .option("--disk <image>", "raw image that both machines share (repeat)", collect, [])
    .option("--share <folder>", "folder that the machines see as /share, read-only");
}

const program = new Command("lab").description("two machines with the real kernel's DLM, emulated");
program
  .command("check")
  .description("say what is missing here")
  .action(() => {
    const missing = missingForLab();
    process.stdout.write(`${missing ?? "nothing is missing"}\n`);
    process.exitCode = missing === undefined ? 0 : 2;
  });
withMachineOptions(program.command("run"))
  .description("boot both machines, run a command on each at the same time, stop them")
  .argument("<command>", "for sh")
  .action(async (script: string, options: MachineOptions) => {
    await withLab(labOptions(options), async (lab) => {
      const codes = await Promise.all(NODES.map((node) => runAndPrint(lab, node, script)));
      process.exitCode = codes.some((code) => code !== 0) ? 2 : 0;
    });
  });
withMachineOptions(program.command("shell"))
  .description("boot both machines and take commands from standard input until it ends")
  .action(async (options: MachineOptions) => await withLab(labOptions(options), readCommands));

// Without this the run's files would stay: a signal alone ends no process by way of "exit".
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof SlotmarkError)) throw error;
  say(`${error.message}\n${error.remedy}`);
  process.exitCode = 2;
}
