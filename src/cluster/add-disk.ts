/**
 * Adding a disk to the running array (spec §6.2), as its initiator: the device gets superblock and slots, all nodes are asked
 * whether they see it, and only where none objects it becomes a spare.
 */
import { randomBytes } from "node:crypto";
import { LockError } from "../dlm/lock-error.js";
import { SlotmarkError } from "../errors.js";
import { addedDeviceSuperblock } from "../ondisk/added-device.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { parseUuid, UUID_BYTES, uuidText } from "../ondisk/uuid.js";
import type { Member } from "../storage/member.js";
import { openMembers } from "../storage/open-members.js";
import { dropAbandoned } from "./abandoned-candidates.js";
import { AddDiskError } from "./add-disk-error.js";
import { type ArrayMember, memberOf } from "./array-members.js";
import type { MemberDevice } from "./array-storage.js";
import type { AddDiskStep } from "./cluster-event.js";
import { monotonicNs } from "./control.js";
import { arrayFailed } from "./device-failure.js";
import { readDevice } from "./find-device.js";
import { completedWithin } from "./lock-wait.js";
import type { Token } from "./messenger.js";
import { updateMetadata } from "./metadata-update.js";
import type { NodeState } from "./node-state.js";
import { placeSpares } from "./place-spares.js";
import { copySlots, eraseSuperblock, prepareDevice } from "./prepare-device.js";
import { eventsOnReturn, requireSameArray } from "./returning-device.js";

export interface AddDiskRequest {
  readonly path: string;
  /** Overwrite what is on it (`--destroy`); never that it is in use. */
  readonly destroy?: boolean;
  /**
   * A device that was of this array and was removed comes back as it is (mdadm --re-add): what it lacks is rebuilt by the
   * bitmaps, where they go back far enough.
   */
  readonly reAdd?: boolean;
  /** 36 characters; default random. */
  readonly deviceUuid?: string;
}

/** In the array's lockspace; mdadm's is `bitmap<cluster>` in a lockspace of its own. */
const TURN_RESOURCE = "add-disk";

/**
 * Adds the device as a spare, and gives it a place where the array has an empty one.
 * @returns the member as it is by then
 * @throws AddDiskError ENOENT where a node does not see it, ETIMEDOUT where one does not answer, EBUSY where it is a member
 * already; what the guard refuses; SlotmarkError `device-too-small`, `array-failed`, `node-gone`: then no node has it, and it
 * can be tried again. LockError ETIMEDOUT where a node does not answer METADATA_UPDATED: `members` says how far it came.
 */
export async function addDisk(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
  return await withTurn(state, async () => {
    await dropAbandoned(state, "all");
    const atNs = monotonicNs();
    const member = await (request.reAdd === true ? returning(state, request) : prepare(state, request));
    tellStep(state, "write", member, "written", atNs);
    try {
      await join(state, member);
    } catch (error) {
      discard(state, member);
      throw error;
    }
    await placeSpares(state);
    return member;
  });
}

/** One add at a time in the whole cluster, for two that write to the same device would end with neither: mdadm's own lock. */
async function withTurn<T>(state: NodeState, work: () => Promise<T>): Promise<T> {
  const { lock, completion } = state.lockspace.request(TURN_RESOURCE, "PW");
  await completedWithin(
    lock,
    completion,
    state.options.timeouts.addTurnMs,
    "waiting for the turn to add a disk",
  );
  try {
    state.requireAlive();
    return await work();
  } finally {
    if (!state.lockspace.gone) await lock.unlock();
  }
}

/** Step 1. */
async function prepare(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
  const { path } = request;
  const uuidThere = await deviceUuidOn(state, path);
  refuseMember(state, path, uuidThere);
  // Prepared for this array once, and no member of it: an add that did not come to its end.
  const isLeftover = uuidThere !== null;
  const guarded = await guard(request, isLeftover);
  const device = closedWith(state.options.storage.open(path), guarded);
  try {
    const [active] = state.members.inSync;
    if (active === undefined) throw arrayFailed(state, undefined);
    const uuid = request.deviceUuid;
    // One event behind: whoever joins before the array has written it does not take it for a spare.
    const events = BigInt(Math.max(0, state.events - 1));
    const superblock = addedDeviceSuperblock(
      { ...state.superblock, events },
      {
        path,
        number: freeNumber(state),
        deviceUuid: uuid === undefined ? new Uint8Array(randomBytes(UUID_BYTES)) : parseUuid(uuid),
        deviceSectors: Math.floor(device.sizeBytes / SECTOR_BYTES),
      },
    );
    await prepareDevice(device, superblock, state.geometry, active.device);
    state.requireAlive();
    return memberOf(device, superblock);
  } catch (error) {
    device.close();
    throw error;
  }
}

/** In place of step 1 for a device that comes back: `safe` brings it the slots as the other members have them now. */
async function returning(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
  const { path } = request;
  const { superblock } = await readDevice(path);
  requireSameArray(state, path, superblock);
  refuseMember(state, path, uuidText(superblock.deviceUuid));
  const guarded = await guard(request, true);
  const device = closedWith(state.options.storage.open(path), guarded);
  try {
    const [active] = state.members.inSync;
    if (active === undefined) throw arrayFailed(state, undefined);
    if (state.options.variant === "safe") await copySlots(device, state.geometry, active.device);
    state.requireAlive();
    const member = memberOf(device, superblock);
    member.role = "spare";
    member.recoveredSectors = 0;
    member.recoversByBitmap = false;
    member.returnedAtEvents = eventsOnReturn(superblock);
    return member;
  } catch (error) {
    device.close();
    throw error;
  }
}

/** Steps 2 and 7 to 9, under one token. */
async function join(state: NodeState, member: ArrayMember): Promise<void> {
  const announceNs = monotonicNs();
  await state.messenger.withToken(async (token) => {
    try {
      await announce(token, member);
    } catch (error) {
      if (!isLockError(error, "ETIMEDOUT")) throw error;
      tellStep(state, "announce", member, "unanswered", announceNs);
      return await refuse(state, token, member, unanswered(member));
    }
    tellStep(state, "announce", member, "answered", announceNs);
    const vetoNs = monotonicNs();
    try {
      await state.channel.convertNoNewDev("EX", { wait: "no" });
    } catch (error) {
      if (!isLockError(error, "EAGAIN")) throw error;
      tellStep(state, "veto", member, "vetoed", vetoNs);
      return await refuse(state, token, member, notSeen(member));
    }
    tellStep(state, "veto", member, "none", vetoNs);
    const addNs = monotonicNs();
    await state.channel.convertNoNewDev("CR");
    state.requireAlive();
    state.members.add(member);
    await updateMetadata(state, { token });
    tellStep(state, "add", member, "added", addNs);
  });
}

async function announce(token: Token, { superblock, deviceNumber }: ArrayMember): Promise<void> {
  await token.send({ type: "NEWDISK", deviceUuid: superblock.deviceUuid, raidSlot: deviceNumber });
}

/**
 * Step 9. The documentation has it that METADATA_UPDATED follows all the same, so that the nodes that found the device give it
 * up: `safe` does that, with the number as faulty, which is how a receiver knows. Mainline and the first patches send nothing.
 */
async function refuse(
  state: NodeState,
  token: Token,
  member: ArrayMember,
  reason: AddDiskError,
): Promise<never> {
  const atNs = monotonicNs();
  state.requireAlive();
  if (state.options.variant === "safe") {
    if (member.returnedAtEvents === null) eraseSuperblock(member.device);
    member.role = "faulty";
    state.members.add(member);
    try {
      await updateMetadata(state, { token });
    } catch (error) {
      // Whoever did not answer hears it from the next update: the device itself says that it was not added.
      if (!isLockError(error, "ETIMEDOUT")) throw error;
    } finally {
      state.members.remove(member.deviceNumber);
    }
  }
  tellStep(state, "refuse", member, reason.errnoName, atNs);
  throw reason;
}

/**
 * What was not added carries no superblock, as mdadm has it today; its first versions left it. One that comes back may try
 * another time. A node that is gone touches nothing.
 */
function discard(state: NodeState, member: ArrayMember): void {
  // Where the failure came after the array took the device, it is the array's.
  if (state.members.get(member.deviceNumber) === member) return;
  try {
    const mayComeBack = member.returnedAtEvents !== null || state.options.variant === "original";
    if (!state.gone && !mayComeBack) eraseSuperblock(member.device);
  } catch (error) {
    if (!(error instanceof SlotmarkError)) throw error;
  } finally {
    member.device.close();
  }
}

function refuseMember(state: NodeState, path: string, uuid: string | null): void {
  const member = state.members.all.find(
    ({ device, deviceUuid }) => device.path === path || deviceUuid === uuid,
  );
  if (member === undefined) return;
  throw new AddDiskError(
    "EBUSY",
    "device-already-member",
    `${path} is device ${member.deviceNumber} of the array already`,
    "remove it first",
  );
}

/** Null unless it is a device of this array. */
async function deviceUuidOn(state: NodeState, path: string): Promise<string | null> {
  try {
    const { superblock } = await readDevice(path);
    const ours = uuidText(superblock.setUuid) === uuidText(state.superblock.setUuid);
    return ours ? uuidText(superblock.deviceUuid) : null;
  } catch (error) {
    if (error instanceof SlotmarkError) return null;
    throw error;
  }
}

async function guard({ path, destroy }: AddDiskRequest, leftover: boolean): Promise<Member> {
  const [member] = await openMembers({
    paths: [path],
    destroy: destroy === true || leftover ? [path] : [],
    // Only another array could be in use elsewhere, and that is refused.
    watch: false,
    existingArray: "refuse",
    onNotice: () => {},
  });
  if (member === undefined) throw new Error("the guard returned no member");
  return member;
}

/** The guard's own descriptor keeps others away for as long as the device is in use here. */
function closedWith(device: MemberDevice, guarded: Member): MemberDevice {
  let closed = false;
  return {
    path: device.path,
    sizeBytes: device.sizeBytes,
    logicalBlockBytes: device.logicalBlockBytes,
    optimalIoBytes: device.optimalIoBytes,
    read: (offsetBytes, lengthBytes) => device.read(offsetBytes, lengthBytes),
    write: (offsetBytes, bytes, purpose) => device.write(offsetBytes, bytes, purpose),
    close() {
      if (closed) return;
      closed = true;
      device.close();
      guarded.close();
    },
  };
}

/** The lowest one behind the array's places that no device has, as mdadm chooses. */
function freeNumber(state: NodeState): number {
  let number = state.superblock.raidDisks;
  while (state.members.get(number) !== undefined) number++;
  return number;
}

function notSeen(member: ArrayMember): AddDiskError {
  return new AddDiskError(
    "ENOENT",
    "add-disk-refused",
    `${named(member)} was not added: another node does not see it`,
    "make the device visible to every node, then add it again",
  );
}

function unanswered(member: ArrayMember): AddDiskError {
  return new AddDiskError(
    "ETIMEDOUT",
    "add-disk-unanswered",
    `${named(member)} was not added: another node did not answer in time`,
    "look for a node whose event hook hangs, then add it again",
  );
}

function named({ device, deviceNumber, deviceUuid }: ArrayMember): string {
  return `${device.path} as device ${deviceNumber} (${deviceUuid})`;
}

function isLockError(error: unknown, errnoName: string): boolean {
  return error instanceof LockError && error.errnoName === errnoName;
}

function tellStep(
  state: NodeState,
  step: AddDiskStep,
  { deviceNumber: device }: ArrayMember,
  outcome: string,
  fromNs: number,
): void {
  state.tell({ kind: "addDisk", step, device, outcome, durationNs: monotonicNs() - fromNs }, fromNs);
}
