/**
 * Another node adds a disk (spec §6.2 steps 3 to 6 and 10): this one raises its event, looks for the device among what it
 * sees, and answers in time. A device that it found becomes a candidate and its veto goes; the metadata update that follows
 * makes the candidate a member, or drops it.
 */
import { readFixedText } from "../ondisk/fixed-text.js";
import { uuidText } from "../ondisk/uuid.js";
import { monotonicNs } from "../storage/monotonic.js";
import { dropAbandoned } from "./abandoned-candidates.js";
import { AddDiskError, spurious } from "./add-disk-error.js";
import { type ArrayMember, memberOf } from "./array-members.js";
import type { AddDiskStep } from "./cluster-event.js";
import { dieOf } from "./death.js";
import { runEventHook } from "./event-hook.js";
import { findDevice } from "./find-device.js";
import type { NewDiskMessage } from "./message.js";
import { forget, readMdSuperblock, reloadMetadata } from "./metadata-reload.js";
import { NewDiskWait } from "./new-disk-state.js";
import type { NodeState } from "./node-state.js";

/**
 * NEWDISK: waits for an answer. Since Linux 6.11 a message that nobody answered is not acknowledged, and the initiator runs
 * into its own time-out; before, and in the first patches, no answer counts as processed, and the veto decides.
 * @throws AddDiskError `new-disk-unanswered`
 */
export async function receiveNewDisk(
  state: NodeState,
  { slot, deviceUuid, raidSlot: number }: NewDiskMessage,
): Promise<void> {
  const { newDisk, options, lockspace } = state;
  if (options.variant === "safe") await dropLeftCandidates(state);
  const initiator = lockspace.members().find((member) => member.slot === slot + 1)?.node ?? 0;
  const wait = new NewDiskWait({ number, deviceUuid: uuidText(deviceUuid), initiator });
  newDisk.waiting = wait;
  const atNs = monotonicNs();
  const timer = setTimeout(() => wait.timeIsOver(), options.timeouts.newDeviceMs);
  if (options.newDisks === "search") void answerBySearch(state, wait);
  try {
    const answer = await wait.answered;
    if (answer !== "none") return;
    tellStep(state, "confirm", number, "unanswered", atNs);
    if (options.kernel === "mainline" && options.variant !== "original") {
      throw new AddDiskError(
        "ETIMEDOUT",
        "new-disk-unanswered",
        `device ${number} (${uuidText(deviceUuid)}) was announced, and nobody answered within ${options.timeouts.newDeviceMs} ms`,
        "look at the event hook of this node, or raise the time-out",
      );
    }
  } finally {
    clearTimeout(timer);
    newDisk.waiting = null;
    // An initiator that died before this node had a candidate of its.
    if (!lockspace.gone) dropSoon(state);
  }
}

/** Once the metadata are settled, which takes the token: not within the receipt of a message. */
export function dropSoon(state: NodeState): void {
  // Where it fails the next announcement or metadata update finds them.
  dropAbandoned(state, "abandoned").then(
    // What it had added already it may not have given a place.
    () => state.sync.wake(),
    (error) => dieOf(state, error),
  );
}

/**
 * The announced device is there: it becomes a candidate, and this node's veto goes (`mdadm --cluster-confirm N:PATH`).
 * @throws AddDiskError EINVAL where no such device is announced (any more), EBUSY where its number is taken; SlotmarkError what
 * is wrong with the device; LockError
 */
export async function confirmNewDisk(state: NodeState, number: number, path: string): Promise<void> {
  const { newDisk, options } = state;
  const wait = newDisk.waiting;
  // The first patches knew no state to check: an answer counts whenever it comes.
  if (wait === null && options.variant !== "original") {
    state.tell({ kind: "spuriousAnswer", device: number, answer: "found" });
    throw spurious(`no disk is announced, but ${path} was confirmed as device ${number}`);
  }
  const confirmNs = monotonicNs();
  const candidate = openCandidate(state, wait, number, path);
  tellStep(state, "confirm", number, "found", confirmNs);
  const bindNs = monotonicNs();
  bind(state, candidate);
  if (wait !== null) newDisk.announcedBy(number, wait.announcement.initiator);
  wait?.claim();
  try {
    await newDisk.setVeto(state.channel, false);
  } catch (error) {
    wait?.answer("none");
    throw error;
  }
  tellStep(state, "candidate", number, "bound", bindNs);
  wait?.answer("candidate");
}

/**
 * This node does not see the announced device (`mdadm --cluster-confirm N:missing`). Outside an announcement nothing
 * happens, as in the kernel.
 */
export function refuseNewDisk(state: NodeState): void {
  const wait = state.newDisk.waiting;
  if (wait === null || wait.claimed) {
    state.tell({ kind: "spuriousAnswer", device: null, answer: "missing" });
    return;
  }
  tellStep(state, "candidate", wait.announcement.number, "refused", monotonicNs());
  wait.answer("missing");
}

/** METADATA_UPDATED: the veto is back before anything is read; candidates become members, or go (step 10). */
export async function receiveMetadata(state: NodeState, goodDevice: number): Promise<void> {
  const atNs = monotonicNs();
  await state.newDisk.setVeto(state.channel, true);
  const candidates = state.members.all.filter(({ candidate }) => candidate);
  reloadMetadata(state, goodDevice);
  for (const { deviceNumber: number } of candidates) {
    const outcome = state.members.get(number) === undefined ? "dropped" : "added";
    tellStep(state, "learn", number, outcome, atNs);
  }
}

/** What is left of an add that its initiator never ended: whoever announces a disk has the turn to add, so that one is over. */
async function dropLeftCandidates(state: NodeState): Promise<void> {
  for (const member of state.members.all) if (member.candidate) forget(state, member);
  if (state.newDisk.agreed) await state.newDisk.setVeto(state.channel, true);
}

/** The built-in answer, and the hook's. Never rejects. */
async function answerBySearch(state: NodeState, wait: NewDiskWait): Promise<void> {
  const { number } = wait.announcement;
  try {
    const path = await searchDevice(state, wait);
    if (wait.signal.aborted) return;
    if (path === null) refuseNewDisk(state);
    else await confirmNewDisk(state, number, path);
  } catch (error) {
    if (wait.signal.aborted) return;
    tellStep(
      state,
      "confirm",
      number,
      `failed: ${error instanceof Error ? error.message : error}`,
      monotonicNs(),
    );
    // mdadm's confirmation just fails, and md-cluster waits for another one until its time is over.
    if (state.options.variant === "safe") refuseNewDisk(state);
  }
}

/** Null: this node does not see it. Where a hook runs out of time, so does the wait. */
async function searchDevice(state: NodeState, wait: NewDiskWait): Promise<string | null> {
  const { options, superblock } = state;
  const { number, deviceUuid } = wait.announcement;
  const eventNs = monotonicNs();
  if (options.eventCommand !== undefined) {
    const event = { deviceUuid, raidDisk: number, deviceName: deviceName(state) };
    // Its limit is the wait's own.
    const answer = await runEventHook(options.eventCommand, event, options.timeouts.newDeviceMs, wait.signal);
    tellStep(state, "event", number, answer.kind, eventNs);
    if (answer.kind === "timedOut") await wait.answered;
    if (answer.kind === "found") return answer.path;
    if (answer.kind !== "none") return null;
  } else tellStep(state, "event", number, "none", eventNs);
  const searchNs = monotonicNs();
  const found = await findDevice(options.visiblePaths, uuidText(superblock.setUuid), deviceUuid);
  tellStep(state, "search", number, found === null ? "missing" : "found", searchNs);
  return found?.path ?? null;
}

/** `host:0` is md0 to the kernel; a name in its place is `/dev/md/NAME`. */
function deviceName(state: NodeState): string {
  const name = readFixedText(state.superblock.setName).replace(/^.*:/, "");
  return /^\d+$/.test(name) ? `md${name}` : `md/${name}`;
}

function openCandidate(
  state: NodeState,
  wait: NewDiskWait | null,
  number: number,
  path: string,
): ArrayMember {
  const device = state.options.storage.open(path);
  try {
    const superblock = readMdSuperblock(device);
    const setUuid = uuidText(superblock.setUuid);
    if (setUuid !== uuidText(state.superblock.setUuid)) {
      throw new AddDiskError(
        "EINVAL",
        "device-of-other-array",
        `${path} belongs to array ${setUuid}, expected ${uuidText(state.superblock.setUuid)}`,
        "confirm the device that was announced",
      );
    }
    if (superblock.dataSizeSectors < state.superblock.sizeSectors) {
      throw new AddDiskError(
        "EINVAL",
        "device-too-small",
        `${path} has room for ${superblock.dataSizeSectors} sectors of data, too few for this array, which needs ${state.superblock.sizeSectors}`,
        "add a larger device",
      );
    }
    const found = uuidText(superblock.deviceUuid);
    const announced = wait?.announcement;
    // md-cluster takes any device of the array in answer, also of the announcement before.
    const checked = state.options.variant === "safe" && announced !== undefined;
    if (checked && (number !== announced.number || found !== announced.deviceUuid)) {
      throw spurious(
        `${path} (device ${number}, ${found}) was confirmed, but device ${announced.number} (${announced.deviceUuid}) is announced`,
      );
    }
    return { ...memberOf(device, superblock), deviceNumber: number, role: "spare", candidate: true };
  } catch (error) {
    device.close();
    throw error;
  }
}

function bind(state: NodeState, candidate: ArrayMember): void {
  const { deviceNumber, device } = candidate;
  const bound = state.members.get(deviceNumber);
  if (bound !== undefined) {
    device.close();
    throw new AddDiskError(
      "EBUSY",
      "device-number-taken",
      `${device.path} cannot become device ${deviceNumber}: ${bound.device.path} is`,
      "remove the one that has the number",
    );
  }
  state.members.add(candidate);
}

function tellStep(
  state: NodeState,
  step: AddDiskStep,
  device: number,
  outcome: string,
  fromNs: number,
): void {
  state.tell({ kind: "addDisk", step, device, outcome, durationNs: monotonicNs() - fromNs }, fromNs);
}
