/**
 * Candidates that will never be decided, because the node that announced them is gone (a part of difference D1; mainline
 * leaves them behind). Whether they were added the members say: once this node has taken the newest metadata that lies
 * there, whatever still is a candidate was not.
 */
import type { ArrayMember } from "./array-members.js";
import { forget } from "./metadata-reload.js";
import type { NodeState } from "./node-state.js";

/**
 * @param which `all` where this node has the turn to add, so that nobody else can be at it
 * @throws as `MetadataSettling.settled`
 */
export async function dropAbandoned(state: NodeState, which: "abandoned" | "all"): Promise<void> {
  const { newDisk, lockspace, options, members } = state;
  const isAbandoned = ({ candidate, deviceNumber }: ArrayMember) =>
    candidate && (which === "all" || !newDisk.isInitiatorAmong(deviceNumber, lockspace.members()));
  if (options.variant !== "safe" || !members.all.some(isAbandoned)) return;
  await state.settling.settled();
  for (const member of members.all.filter(isAbandoned)) forget(state, member);
  const undecided = members.all.some(({ candidate }) => candidate);
  if (newDisk.agreed && !undecided) await newDisk.setVeto(state.channel, true);
}
