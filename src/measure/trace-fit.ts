/** Whether the members can take a trace: its addresses inside the array, its writes whole logical blocks. */
import { SlotmarkError } from "../errors.js";
import { placeArray } from "../ondisk/mdadm-placement.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { MatrixPoint } from "../scenario/expand.js";
import type { BitmapScenario, Scenario } from "../scenario/schema.js";
import { isTrace } from "../scenario/trace-workload.js";
import type { RunMembers } from "./run-members.js";
import type { RunTrace, RunTraces } from "./run-traces.js";

const MIB = 1 << 20;

/**
 * Files that were made for the run do not outlive the refusal.
 * @throws SlotmarkError `trace-beyond-array` with the smallest size that would do, `trace-block-size` naming a line
 */
export function refuseUnfitting(
  scenarios: readonly Scenario[],
  traces: RunTraces,
  members: RunMembers | null,
): void {
  if (members === null) return;
  try {
    for (const scenario of scenarios.filter((one) => one.kind === "bitmap")) {
      for (const trace of scenario.workload.filter(isTrace).map((workload) => traces.of(workload))) {
        refuseBlockSize(trace, members);
        refuseBeyond(trace, scenario, members);
      }
    }
  } catch (error) {
    members.unmake();
    throw error;
  }
}

function refuseBlockSize({ path, summary }: RunTrace, { members }: RunMembers): void {
  for (const { path: member, logicalBlockBytes } of members) {
    const unaligned = summary.alignments.find(({ alignmentBytes }) => alignmentBytes < logicalBlockBytes);
    if (unaligned === undefined) continue;
    throw new SlotmarkError(
      "input",
      "trace-block-size",
      `${path}: line ${unaligned.line}: a write that is aligned to ${unaligned.alignmentBytes} bytes cannot go to ${member}, whose logical blocks have ${logicalBlockBytes} bytes`,
      "Use members with smaller logical blocks, or a trace of a device with such blocks.",
    );
  }
}

function refuseBeyond(trace: RunTrace, scenario: BitmapScenario, members: RunMembers): void {
  const { path, summary } = trace;
  const points = scenario.nodes.flatMap((nodes) =>
    scenario.chunkBytes.map((chunkBytes) => ({ nodes, chunkBytes })),
  );
  const sizes = members.members.map(({ sizeBytes }) => sizeBytes);
  const least = Math.min(...points.map((point) => members.existingArrayBytes ?? arrayBytes(sizes, point)));
  if (summary.endBytes <= least) return;
  const found = `${path}: line ${summary.endLine}: a write ends at byte ${summary.endBytes}, and the array has ${least} bytes`;
  if (members.existingArrayBytes !== null) {
    throw new SlotmarkError(
      "input",
      "trace-beyond-array",
      `${found}: an array that was there before keeps its size`,
      "Use members without an array, or a larger array.",
    );
  }
  const size = `--size ${Math.max(...points.map((point) => leastMemberBytes(summary.endBytes, point))) / MIB}M`;
  throw new SlotmarkError(
    "input",
    "trace-beyond-array",
    `${found}, whose smallest member has ${Math.min(...sizes)} bytes`,
    members.members.every(({ created }) => created)
      ? `Use ${size}, the smallest that holds it, or more; files are sparse, and only what the trace writes takes room.`
      : `Use members of that size, or ones that slotmark makes: ${size} is the smallest that holds it.`,
  );
}

/** What an array that `run` makes has of members of these lengths. */
function arrayBytes(memberBytes: readonly number[], { nodes, chunkBytes }: MatrixPoint): number {
  const placement = placeArray({
    members: memberBytes.map((bytes, index) => ({
      path: `${index}`,
      sizeSectors: Math.floor(bytes / SECTOR_BYTES),
    })),
    level: 1,
    nodes: Math.max(2, nodes),
    chunkBytes,
    beyondMdadm: true,
  });
  return placement.syncSizeSectors * SECTOR_BYTES;
}

/** Whole MiB. A larger member's array grows by no more than the member did, so that what is missing can be added at once. */
export function leastMemberBytes(neededBytes: number, point: MatrixPoint): number {
  let bytes = Math.ceil(neededBytes / MIB) * MIB;
  for (;;) {
    const missing = neededBytes - bytesOrNone(bytes, point);
    if (missing <= 0) return bytes;
    bytes += Math.ceil(missing / MIB) * MIB;
  }
}

/** A member that has no room behind its metadata holds nothing. */
function bytesOrNone(memberBytes: number, point: MatrixPoint): number {
  try {
    return arrayBytes([memberBytes, memberBytes], point);
  } catch (error) {
    if (error instanceof SlotmarkError && error.code === "member-too-small") return 0;
    throw error;
  }
}
