/**
 * The device that an add is about (spec §6.2 step 1): passed by the guard, given superblock and slots, or, where it comes back,
 * taken as it is.
 */
import { randomBytes } from "node:crypto";
import { SlotmarkError } from "../errors.js";
import { addedDeviceSuperblock } from "../ondisk/added-device.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { parseUuid, UUID_BYTES, uuidText } from "../ondisk/uuid.js";
import type { Member } from "../storage/member.js";
import { openMembers } from "../storage/open-members.js";
import { AddDiskError } from "./add-disk-error.js";
import { type ArrayMember, memberOf } from "./array-members.js";
import type { MemberDevice } from "./array-storage.js";
import { arrayFailed } from "./device-failure.js";
import { readDevice } from "./find-device.js";
import type { NodeState } from "./node-state.js";
import { copySlots, prepareDevice } from "./prepare-device.js";
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

/**
 * @throws AddDiskError EBUSY where it is a member already; what the guard refuses; SlotmarkError `device-too-small`,
 * `array-failed`, `node-gone`, kind `device`. It is closed then.
 */
export async function newDevice(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
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

/**
 * One that comes back: `safe` brings it the slots as the other members have them now.
 * @throws SlotmarkError `device-not-of-array`, what is invalid on it; as `newDevice`
 */
export async function returningDevice(state: NodeState, request: AddDiskRequest): Promise<ArrayMember> {
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
