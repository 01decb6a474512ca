/** A run in a process of its own, to which something happens while it measures. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { MAIN } from "../cli/run-slotmark.js";
import type { SmallRun } from "./run-folder.js";

export interface EndedRun {
  readonly code: number | null;
  readonly signalled: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `run`, lets `happen` strike its process once the journal holds a trial, and waits for the end. */
export async function struckRun(
  run: SmallRun,
  happen: (kill: (signal: NodeJS.Signals) => void) => void,
): Promise<EndedRun> {
  const child = spawn(process.execPath, [MAIN, ...run.args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const ended = once(child, "close");
  while (child.exitCode === null && !holdsATrial(run.journal))
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(child.exitCode, null, `the run ended too early: ${stderr}`);
  happen((signal) => child.kill(signal));
  const [code, signalled] = await ended;
  return { code, signalled, stdout, stderr };
}

function holdsATrial(journal: string): boolean {
  return fs.existsSync(journal) && fs.readFileSync(journal, "utf8").split("\n").length > 2;
}
