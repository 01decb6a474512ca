/**
 * Joining an array (spec §4.2): superblocks and slot 0 say what it is and how many nodes it takes; the lockspace gives the
 * slot; channel and slot lock make this node a part of the cluster; the own slot is read, and the others are asked. Until
 * all is loaded no message is processed. Where a step fails the node leaves again.
 */
import { MdThread } from "../bitmap/md-thread.js";
import { createWasmBitmap } from "../bitmap/wasm.js";
import type { ChannelLockCall } from "../dlm/channel.js";
import { LockError } from "../dlm/lock-error.js";
import type { Lockspace, RecoveryEvent } from "../dlm/lockspace.js";
import { SlotmarkError } from "../errors.js";
import { type BitmapSuperblock, parseBitmapSuperblock } from "../ondisk/bitmap-superblock.js";
import { checkBitmapSuperblock, checkNodes } from "../ondisk/bitmap-superblock-check.js";
import { FEATURE_CLUSTERED, MAX_SECTOR, MD_SUPERBLOCK_SECTOR } from "../ondisk/md-superblock.js";
import { SECTOR_BYTES, type SlotGeometry, slotGeometry, slotSector } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { monotonicNs } from "../storage/monotonic.js";
import { type ArrayDevices, openArrayDevices } from "./array-devices.js";
import { type ArrayMember, isInSync } from "./array-members.js";
import { NodeDeath } from "./array-storage.js";
import type { ClusterOccurrence, JoinStep } from "./cluster-event.js";
import { readSlot } from "./copy-from-slot.js";
import { sleepMs } from "./daemon.js";
import { dieInLockspace } from "./death.js";
import { gatherSlots } from "./gather.js";
import { writeListedPages } from "./member-output.js";
import { receiveMessage } from "./message-handlers.js";
import { Messenger } from "./messenger.js";
import { forget, readMdSuperblock } from "./metadata-reload.js";
import { takeNewestMetadata } from "./metadata-settle.js";
import { updateMetadata } from "./metadata-update.js";
import { type JoinOptions, type NodeOptions, nodeOptions } from "./node-options.js";
import { NodeState } from "./node-state.js";
import { writeOwnSlot } from "./place-spares.js";
import { takeOwnSlot } from "./slot-lock.js";

const LEAST_READ_BYTES = 512;

/** How the node hears of what comes from outside; called from the event loop alone. */
export interface JoinHooks {
  readonly onRecovery: (state: NodeState, event: RecoveryEvent) => void;
  /** What a message handler, or receiving itself, threw. */
  readonly onReceiveError: (state: NodeState, error: unknown) => void;
}

/**
 * @throws SlotmarkError what is invalid on the members, `node-beyond-slots` (ERANGE); LockError ETIMEDOUT, ESHUTDOWN. The
 * node is then no member of the lockspace any more, and holds nothing.
 */
export async function joinCluster(join: JoinOptions, hooks: JoinHooks): Promise<NodeState> {
  const options = nodeOptions(join);
  const startNs = monotonicNs();
  const devices = openArrayDevices(options.storage, join.memberPaths, options.visiblePaths);
  let lockspace: Lockspace | undefined;
  let state: NodeState | undefined;
  try {
    const bitmapSuperblock = readBitmapSuperblock(devices, 0, undefined);
    const geometry = geometryOf(devices, bitmapSuperblock, options);
    const readNs = monotonicNs();
    // What the lockspace has to say before there is a state waits for it.
    const early: RecoveryEvent[] = [];
    const onRecovery = (event: RecoveryEvent) => {
      if (state === undefined) early.push(event);
      else hooks.onRecovery(state, event);
    };
    const arrayUuid = uuidText(devices.superblock.setUuid);
    lockspace = await join.joinLockspace({ arrayUuid, nodes: geometry.nodes, onRecovery });
    requireSlot(lockspace.slot, geometry.nodes);
    state = newState(options, lockspace, devices, geometry, bitmapSuperblock);
    tellStep(state, "readSuperblocks", startNs, readNs);
    tellStep(state, "lockspace", readNs, monotonicNs());
    for (const event of early) hooks.onRecovery(state, event);
    await becomeMember(state, hooks);
    await load(state, devices);
    return state;
  } catch (error) {
    if (error instanceof NodeDeath && lockspace !== undefined) dieInLockspace(lockspace);
    state?.end(error instanceof NodeDeath ? "died" : "left");
    for (const { device } of devices.members) device.close();
    if (lockspace !== undefined && !lockspace.gone) await lockspace.leave({ force: true });
    throw error;
  }
}

/** Steps 4 to 11. */
async function becomeMember(state: NodeState, hooks: JoinHooks): Promise<void> {
  const { variant, timeouts, watchLocks } = state.options;
  await step(state, "channel", async () => {
    const channel = await state.lockspace.openChannel({
      variant,
      timeoutMs: timeouts.lockMs,
      onMessage: (payload) => receiveMessage(state, payload),
      onError: (error) => hooks.onReceiveError(state, error),
      ...(watchLocks ? { onLockCall: (call: ChannelLockCall) => tellLockCall(state, call) } : {}),
    });
    const tell = (atNs: number, occurrence: ClusterOccurrence) => state.tell(occurrence, atNs);
    const hearLockspace = () => void state.lockspace.waitSync({ timeoutMs: 0 });
    state.haveMessenger(new Messenger(channel, state.slot, tell, hearLockspace));
    channel.ref();
  });
  await step(state, "slotLock", async () => {
    state.haveSlotLock(await takeOwnSlot(state));
  });
  await step(state, "resyncLock", () => state.channel.joinResync());
}

/** The second read, now at the own slot, then its pages, then the other slots. */
async function load(state: NodeState, devices: ArrayDevices): Promise<void> {
  const { bitmap } = state;
  await step(state, "readOwnSlot", async () => {
    // What changed before this node could hear of it.
    takeNewestMetadata(state);
    const { eventsCleared } = readBitmapSuperblock(devices, state.slot, state.geometry);
    bitmap.image.set(readSlot(state, state.slot));
    bitmap.eventsCleared = Number(eventsCleared);
    bitmap.load(needFromSector(state));
    if (bitmap.countDirtyChunks() > 0 && state.superblock.resyncOffset !== MAX_SECTOR) {
      state.resyncFromSector = Number(state.superblock.resyncOffset);
    }
  });
  await step(state, "gather", () => gatherSlots(state));
  if (state.options.variant === "safe") {
    for (const member of state.members.recovering) writeOwnSlot(state, member);
  }
  writeListedPages(state, bitmap.updateSuperblock(), "superblock");
  bitmap.notePagesWritten(0);
  state.mdThread.arm(bitmap.allClean);
  state.becomeReady();
  if (state.members.all.some((member) => isBehind(state, member))) await dropRemoved(state);
  // Before the first write the superblocks say that the array runs: its bits count from now on.
  if (state.superblock.resyncOffset !== 0n) {
    const change = () => state.superblock.resyncOffset !== 0n;
    await updateMetadata(state, { change });
  }
  tellStep(state, "ready", monotonicNs(), monotonicNs());
  state.sync.wake();
}

/** A spare gets every metadata update. */
function isBehind({ options, events }: NodeState, { role, candidate, superblock }: ArrayMember): boolean {
  return options.variant === "safe" && role === "spare" && !candidate && Number(superblock.events) < events;
}

/** What was removed between this node's first look at the superblocks and its first message, whoever removed it. */
async function dropRemoved(state: NodeState): Promise<void> {
  await state.messenger.withToken(async () => {
    takeNewestMetadata(state);
    for (const member of state.members.all) {
      if (member.role === "spare") member.superblock = readMdSuperblock(member.device);
      if (isBehind(state, member)) forget(state, member);
    }
  });
}

/** Spec §3.6: without a trustworthy events_cleared a degraded array's bits all count. */
function needFromSector(state: NodeState): number {
  if (state.degraded && state.bitmap.eventsCleared !== state.events) return 0;
  const { resyncOffset } = state.superblock;
  return resyncOffset === MAX_SECTOR ? Number.POSITIVE_INFINITY : Number(resyncOffset);
}

function newState(
  options: NodeOptions,
  lockspace: Lockspace,
  { members, superblock }: ArrayDevices,
  geometry: SlotGeometry,
  bitmapSuperblock: BitmapSuperblock,
): NodeState {
  const daemonSleepNs = sleepMs({ options, bitmapSuperblock }) * 1e6;
  const state = new NodeState({
    options,
    lockspace,
    geometry,
    bitmap: createWasmBitmap({ geometry, slot: lockspace.slot - 1 }),
    bitmapSuperblock,
    superblock,
    mdThread: new MdThread(daemonSleepNs, monotonicNs()),
  });
  for (const member of members) state.members.add(member);
  state.arrayStateChanged();
  return state;
}

/** @throws SlotmarkError `node-beyond-slots` */
function requireSlot(slot: number, nodes: number): void {
  if (slot <= nodes) return;
  throw new LockError(
    "ERANGE",
    "node-beyond-slots",
    `the lockspace gave slot ${slot} (from 1), but the array has ${nodes} slots`,
    "let another node leave first, or make the array with more --nodes",
  );
}

function geometryOf(devices: ArrayDevices, bitmap: BitmapSuperblock, options: NodeOptions): SlotGeometry {
  const { members, superblock } = devices;
  const all = (value: (member: ArrayMember) => number) => members.map(value);
  return slotGeometry({
    syncSizeSectors: Number(bitmap.syncSizeSectors),
    chunkBytes: bitmap.chunkBytes,
    nodes: bitmap.nodes,
    superOffsetSectors: MD_SUPERBLOCK_SECTOR,
    bitmapOffsetSectors: superblock.bitmapOffsetSectors,
    dataOffsetSectors: Math.min(...all(({ dataOffsetBytes }) => dataOffsetBytes / SECTOR_BYTES)),
    logicalBlockBytes: Math.max(...all(({ device }) => device.logicalBlockBytes)),
    optimalIoBytes: Math.max(...all(({ device }) => device.optimalIoBytes)),
    variant: options.variant,
    kernel: options.kernel,
  });
}

/**
 * From the first member in sync.
 * @param geometry says where slots above 0 lie
 */
function readBitmapSuperblock(
  { members, superblock }: ArrayDevices,
  slot: number,
  geometry: SlotGeometry | undefined,
): BitmapSuperblock {
  const member = members.find(isInSync);
  if (member === undefined) {
    throw new SlotmarkError(
      "input",
      "no-member-in-sync",
      "none of the named members is in sync",
      "name the array's active members",
    );
  }
  const firstSector = MD_SUPERBLOCK_SECTOR + superblock.bitmapOffsetSectors;
  const sector = geometry === undefined ? firstSector : slotSector(geometry, slot);
  const offsetBytes = sector * SECTOR_BYTES;
  const origin = { member: member.device.path, offsetBytes };
  const read = parseBitmapSuperblock(member.device.read(offsetBytes, LEAST_READ_BYTES));
  const clustered = (superblock.featureMap & FEATURE_CLUSTERED) !== 0;
  checkBitmapSuperblock(read, { origin, slot, setUuid: superblock.setUuid, clustered });
  checkNodes({ origin, slot, superblock: read });
  return read;
}

async function step(state: NodeState, name: JoinStep, work: () => Promise<void>): Promise<void> {
  const atNs = monotonicNs();
  await work();
  tellStep(state, name, atNs, monotonicNs());
}

function tellLockCall(state: NodeState, call: ChannelLockCall): void {
  if (call.kind === "blocked") {
    state.tell({ kind: "lockBlocked", resource: call.resource, mode: call.mode });
    return;
  }
  const { resource, mode, flags, status, startNs, endNs } = call;
  state.tell({ kind: "lockCall", resource, mode, flags, status, durationNs: endNs - startNs }, startNs);
}

function tellStep(state: NodeState, name: JoinStep, fromNs: number, untilNs: number): void {
  state.tell({ kind: "joinStep", step: name, durationNs: untilNs - fromNs }, fromNs);
}
