/** The scenario that a result or a journal was measured with, to measure it again or to go on with it. */
import { SlotmarkError } from "../errors.js";
import type { Result } from "../results/schema.js";
import { readResult } from "../results/store.js";
import { type Scenario, scenarioSchema } from "../scenario/schema.js";
import type { PageIo } from "../storage/page-writer.js";
import { optionOfField, overridesOf, type RunOptions } from "./run-options.js";

export interface RecordedScenario {
  readonly scenarios: readonly Scenario[];
  /** As they were named; none: temporary ones. */
  readonly memberPaths: readonly string[];
}

/** @returns null where this version of slotmark cannot run it */
export function recordedScenario(scenario: Result["scenario"]): RecordedScenario | null {
  const scenarios = scenarioSchema.array().nonempty().safeParse(scenario.suites);
  const { members } = scenario;
  return scenarios.success && isTextList(members)
    ? { scenarios: scenarios.data, memberPaths: members }
    : null;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** A page writer is no part of the scenario, and still of the work. */
export function recordedIo({ backends }: Pick<Result, "backends">): PageIo | undefined {
  return backends.io === "none" ? undefined : backends.io;
}

/**
 * What `run --again` measures: all of it is the result's.
 * @throws SlotmarkError `again-with-options` (usage), `result-of-several-machines`, `scenario-unknown` (input)
 */
export function scenarioToRunAgain(
  file: string,
  names: readonly string[],
  options: RunOptions,
): RecordedScenario & { readonly io: PageIo | undefined } {
  const [field] = Object.keys(overridesOf(options));
  const foreign = names[0] ?? (field === undefined ? options.io && "--io" : optionOfField(field));
  if (foreign !== undefined || options.resume !== undefined) {
    throw new SlotmarkError(
      "usage",
      "again-with-options",
      `--again measures what ${file} measured; it takes no ${foreign ?? "--resume"}`,
      "Leave it out, or name suite and options without --again.",
    );
  }
  const result = readResult(file);
  if (result.cluster !== undefined) {
    throw new SlotmarkError(
      "input",
      "result-of-several-machines",
      `${file} was measured by several machines at once`,
      "Start slotmark on each of them, as for that run.",
    );
  }
  const recorded = recordedScenario(result.scenario);
  if (recorded !== null) return { ...recorded, io: recordedIo(result) };
  throw new SlotmarkError(
    "input",
    "scenario-unknown",
    `${file}: field scenario is not one that this version of slotmark can run`,
    "Measure again with the version that wrote the file.",
  );
}
