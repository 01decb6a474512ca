/** What the nodes of a running array show over the kernel's DLM, one on each of the lab's machines. */
import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../../lab/lab.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { GuestArrayNode } from "./guest-array-node.js";

const MEMBER_BYTES = 32 << 20;
/** The array's devices by their numbers: two members, and the disk that is added. */
const NAMES = ["array0.img", "array1.img", "array2.img"];
const ARRAY = "c0f0a0ce-0000-4000-8000-000000000003";
const LOCKSPACE = `slotmark-${ARRAY}`;
/** Written by the node that dies, and by nobody else. */
const LAST_BLOCKS = { firstBlock: 200, blocks: 40 };

/** Makes an array on the first two of three disks; returns all. */
export async function createArrayDisks(folder: string): Promise<string[]> {
  const disks = NAMES.map((name) => join(folder, name));
  const [first = "", second = "", added = ""] = disks;
  const create = ["create", first, second, "--size", "32M", "--chunk", "64K", "--uuid", ARRAY];
  const { code, stderr } = runSlotmark([...create, "--assume-clean", "--quiet"]);
  assert.equal(code, 0, stderr);
  await writeFile(added, "");
  await truncate(added, MEMBER_BYTES);
  return disks;
}

/**
 * Both join and write; a member fails, a disk is added in its place; one node's process is killed while it writes; the other
 * recovers its slot and leaves a consistent array.
 * @param paths of the array's disks in the machines
 * @param disks the same on the host
 */
export async function runArray(lab: Lab, paths: readonly string[], disks: readonly string[]): Promise<void> {
  const [first = "", second = "", added = ""] = paths;
  const options = { members: [first, second], visible: [added] };
  const [survivor, victim] = await Promise.all([
    GuestArrayNode.join(lab, 1, options),
    GuestArrayNode.join(lab, 2, options),
  ]);
  assert.deepEqual([survivor.slot, victim.slot].sort(), [0, 1]);
  await Promise.all([
    survivor.ask({ call: "write", firstBlock: 0, blocks: 40 }),
    victim.ask({ call: "write", firstBlock: 60, blocks: 40 }),
  ]);

  await survivor.ask({ call: "failMember", device: 1 });
  const told = (await victim.events()).flatMap((event) =>
    event.kind === "messageReceived" && event.type === "METADATA_UPDATED" ? [event.fromSlot] : [],
  );
  assert.ok(told.includes(survivor.slot));
  await victim.says(/"kind":"memberFaulty","device":1,"by":"metadata"/);

  await victim.ask({ call: "addDisk", path: added });
  for (const node of [survivor, victim]) await node.says(/"kind":"memberInSync","device":2/);
  assert.deepEqual(addDiskOutcomes(await survivor.events()), [
    "event none",
    "search found",
    "confirm found",
    "candidate bound",
    "learn added",
  ]);

  await victim.start({ call: "writeUntilTheEnd", ...LAST_BLOCKS });
  await victim.says(/^writing$/m);
  await victim.kill();
  await survivor.says(/"kind":"recovery","phase":"done"/);
  const phases = (await survivor.events()).flatMap((event) => (event.kind === "recovery" ? [event] : []));
  assert.deepEqual(
    phases.map(({ phase, deadSlot }) => [phase, deadSlot]),
    ["noticed", "slotLocked", "merged", "ownPagesWritten", "deadSlotCleared", "resynced", "done"].map(
      (phase) => [phase, victim.slot],
    ),
  );
  assert.ok((phases.at(-1)?.chunks ?? 0) >= LAST_BLOCKS.blocks);

  await survivor.ask({ call: "write", ...LAST_BLOCKS });
  await survivor.leave();
  // Whoever leaves in order takes the lockspace along; a process that was killed left it joined.
  const joined = `! [ -e /sys/kernel/dlm/${LOCKSPACE} ]; echo $?`;
  assert.deepEqual([await lab.outputOf(1, joined), await lab.outputOf(2, joined)], ["0\n", "1\n"]);
  await lab.outputOf(2, `dlm_tool leave ${LOCKSPACE}`);
  const active = disks.filter((_, device) => device !== 1);
  const { code, stdout, stderr } = runSlotmark(["examine", "--check", ...active]);
  assert.equal(code, 0, stdout + stderr);
}

function addDiskOutcomes(events: readonly ClusterEvent[]): string[] {
  return events.flatMap((event) => (event.kind === "addDisk" ? [`${event.step} ${event.outcome}`] : []));
}
