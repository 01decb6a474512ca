/** The trials of each kind of scenario, and what the named members are to them. */
import type { Scenario } from "../scenario/schema.js";
import type { PageIo } from "../storage/page-writer.js";
import { addDiskTrials } from "./add-disk-trials.js";
import { BitmapTrials } from "./bitmap-trials.js";
import { lockTrials } from "./lock-trials.js";
import { messageTrials } from "./message-trials.js";
import type { NewDisk } from "./new-disk.js";
import { recoveryTrials } from "./recovery-trials.js";
import type { RunMembers } from "./run-members.js";
import type { RunTraces } from "./run-traces.js";
import type { TrialSource } from "./runnable-trial.js";
import type { TraceSink } from "./trace-sink.js";

/** What trials need beside their scenario. */
export interface RunParts {
  readonly members: RunMembers | null;
  readonly disk: NewDisk | null;
  readonly io: PageIo;
  readonly trace: TraceSink | null;
  readonly traces: RunTraces;
}

export function trialsOf(scenario: Scenario, { members, disk, io, trace, traces }: RunParts): TrialSource {
  if (scenario.kind === "locks") return lockTrials(scenario);
  if (scenario.kind === "messages") return messageTrials(scenario);
  if (members === null) throw new Error(`${scenario.suite} needs members`);
  if (scenario.kind === "recovery") return recoveryTrials(scenario, members, trace);
  if (scenario.kind === "bitmap") return new BitmapTrials(scenario, members, io, trace, traces);
  if (disk === null) throw new Error(`${scenario.suite} needs a disk to add`);
  return addDiskTrials(scenario, members, disk, trace);
}

/** A run that adds disks adds the last of the named members. */
export function memberRoles(
  scenarios: readonly Scenario[],
  memberPaths: readonly string[],
): { readonly arrayPaths: readonly string[]; readonly diskPath: string | null } {
  const adds = scenarios.some(({ kind }) => kind === "addDisk");
  if (!adds || memberPaths.length === 0) return { arrayPaths: memberPaths, diskPath: null };
  return { arrayPaths: memberPaths.slice(0, -1), diskPath: memberPaths.at(-1) ?? null };
}
