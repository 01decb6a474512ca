#!/usr/bin/env node
/**
 * The command line's outermost layer: the only file that touches process.argv, exit codes and signals.
 *
 * Everything else is imported once the handlers stand, so that even a module that fails to load ends in one sentence
 * and exit code 70: a crash must never look like a regression (exit code 1), nor show a stack trace.
 */
import type { ErrorKind } from "./errors.js";

/** Exit codes of the command line's contract, by what went wrong. Nothing but a regression exits with 1. */
const EXIT_CODE_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  regression: 1,
  usage: 2,
  input: 2,
  refused: 2,
  incomparable: 3,
  nothing: 4,
  inconclusive: 5,
  defect: 70,
  device: 74,
};
const EXIT_CODE_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

/** What a failure tells the user. `reported`: stdout has said it already, only the exit code is missing. */
interface Failure {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly reported: boolean;
}

const argv = process.argv.slice(2);
const endOfOptions = argv.indexOf("--");
const wantsJson = (endOfOptions < 0 ? argv : argv.slice(0, endOfOptions)).includes("--json");
let settled = false;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function firstLine(text: string): string {
  return (text.split("\n", 1)[0] ?? "").trim();
}

/** Errors are told apart by shape, not class: one that crossed a thread boundary has lost its class. */
function describeFailure(thrown: unknown): Failure {
  if (isRecord(thrown)) {
    const { name, kind, code, message, remedy } = thrown;
    if (name === "SlotmarkError" && typeof kind === "string" && kind in EXIT_CODE_BY_KIND) {
      return {
        kind: kind as ErrorKind,
        code: String(code),
        message: String(message),
        remedy: String(remedy),
        reported: thrown.reported === true,
      };
    }
    if (typeof code === "string" && code.startsWith("commander.")) {
      const text = firstLine(String(message)).replace(/^error: /, "");
      return {
        kind: "usage",
        code: "usage",
        message: code === "commander.help" ? "no command given" : text,
        remedy: "Run slotmark --help for the commands, slotmark COMMAND --help for their options.",
        reported: false,
      };
    }
    if (code === "ERR_MODULE_NOT_FOUND" || code === "slotmark-not-built") {
      return {
        kind: "input",
        code: "setup-incomplete",
        message: firstLine(String(message)).replace(/ imported from .*$/, ""),
        remedy: "Run node setup.mjs in slotmark's folder to complete its set-up.",
        reported: false,
      };
    }
  }
  const what =
    thrown instanceof Error ? `${thrown.name}: ${firstLine(thrown.message)}` : firstLine(String(thrown));
  return {
    kind: "defect",
    code: "defect",
    message: `a defect of slotmark itself (${what})`,
    remedy: "Please report it with the command line that led to it.",
    reported: false,
  };
}

/** What to do now reads as a sentence, wherever it was written. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Ends the process: what stays open (workers, timers) belongs to a command that has failed. */
function fail(thrown: unknown): never {
  settled = true;
  const { kind, code, message, remedy, reported } = describeFailure(thrown);
  if (!reported) {
    if (wantsJson) process.stdout.write(`${JSON.stringify({ error: { code, message, remedy } }, null, 2)}\n`);
    process.stderr.write(
      kind === "defect"
        ? `slotmark: ${message}; please report it with the command line that led to it.\n`
        : `slotmark: ${message}\n${sentence(remedy)}\n`,
    );
  }
  process.exit(EXIT_CODE_BY_KIND[kind]);
}

/** A reader that goes away (`slotmark examine … | head`) is no failure; an output that cannot be written is one. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") return;
  settled = true;
  process.stderr.write(`slotmark: standard output cannot be written (${error.code ?? error.message})\n`);
  process.exit(EXIT_CODE_BY_KIND.device);
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
process.stdout.on("error", onOutputError);
process.stderr.on("error", () => {});
process.on("exit", () => {
  // The event loop ran dry while a command still waited for something: nothing would ever have come.
  if (!settled) fail(new Error("the command ended before its work was done"));
});

async function main(): Promise<void> {
  const { interruption } = await import("./commands/interruption.js");
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (interruption.request(signal)) return;
      settled = true;
      process.exit(EXIT_CODE_BY_SIGNAL[signal]);
    });
  }
  const { buildProgram } = await import("./commands/program.js");
  const program = await buildProgram(argv[0]);
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (thrown) {
    // commander throws for --help and --version as well, with exit code 0.
    if (!(isRecord(thrown) && thrown.exitCode === 0)) throw thrown;
  }
  settled = true;
  if (interruption.signal) process.exit(EXIT_CODE_BY_SIGNAL[interruption.signal]);
}

main().catch(fail);
