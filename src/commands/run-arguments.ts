/** Arguments that a command hands on to the runs it starts, as `slotmark run` takes them. */
import { SlotmarkError } from "../errors.js";

/** What `quick` writes, without its locks and messages. */
export const DEFAULT_RUN: readonly string[] = [
  "bitmap",
  "--chunk",
  "64K",
  "--workload",
  "uniform",
  "--plug",
  "1",
];

/** A first word that is no option is the suite; of an option that is given twice the last one counts. */
export function withSuite(runArguments: readonly string[]): readonly string[] {
  const [first] = runArguments;
  return first === undefined || first.startsWith("-") ? [...DEFAULT_RUN, ...runArguments] : runArguments;
}

/**
 * @param options without dashes: those of `run` that the command decides itself
 * @throws SlotmarkError `option-invalid` (usage)
 */
export function refuseRunOptions(
  command: string,
  runArguments: readonly string[],
  options: readonly string[],
): void {
  const name = (argument: string) => /^--([^=]+)/.exec(argument)?.[1] ?? "";
  const foreign = runArguments.find((argument) => options.includes(name(argument)));
  if (foreign === undefined) return;
  throw new SlotmarkError(
    "usage",
    "option-invalid",
    `${foreign} means nothing to ${command}, which decides itself what becomes of its runs`,
    "Leave it out.",
  );
}

/** @throws SlotmarkError `option-invalid` (usage) */
export function wholeNumber(
  option: string,
  text: string,
  least: number,
  example: number,
  most = 10_000,
): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new SlotmarkError(
    "usage",
    "option-invalid",
    `${option} takes a whole number from ${least} on, not ${JSON.stringify(text)}`,
    `Try ${option} ${example}.`,
  );
}
