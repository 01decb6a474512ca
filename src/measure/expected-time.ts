/** About how long a scenario takes on this machine, before it is run. */
import { availableParallelism } from "node:os";
import { expandAddDisk, expandLocks, expandMessages, expandRecovery } from "../scenario/expand.js";
import { expand } from "../scenario/expand-bitmap.js";
import type { Scenario } from "../scenario/schema.js";
import { addDiskTrialMs } from "./add-disk-trials.js";
import { bitmapTrialMs } from "./bitmap-trials.js";
import { latencyTrialMs } from "./latency-trials.js";
import { recoveryTrialMs } from "./recovery-trials.js";

/** Its trials; making and priming members comes on top. */
export function expectedMs(scenario: Scenario): number {
  return trialTimesMs(scenario).reduce((sum, ms) => sum + ms, 0);
}

function trialTimesMs(scenario: Scenario): number[] {
  switch (scenario.kind) {
    case "bitmap":
      return expand(scenario).map((plan) => bitmapTrialMs(scenario, plan));
    case "locks":
      return expandLocks(scenario, availableParallelism()).map((plan) => latencyTrialMs(scenario, plan));
    case "messages":
      return expandMessages(scenario, availableParallelism()).map((plan) => latencyTrialMs(scenario, plan));
    case "addDisk":
      return expandAddDisk(scenario).map((plan) => addDiskTrialMs(scenario, plan));
    case "recovery":
      return expandRecovery(scenario).map((plan) => recoveryTrialMs(plan));
  }
}
