/**
 * The options of a new array: defaults and limits as mdadm has them, and what follows for each member.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { SlotmarkError } from "../errors.js";
import type { ArrayLevel } from "../ondisk/array-size.js";
import { CLUSTER_NAME_BYTES } from "../ondisk/bitmap-superblock.js";
import { DEFAULT_NODES, placeArray } from "../ondisk/mdadm-placement.js";
import { DAEMON_SLEEP_SECONDS, type NewArray } from "../ondisk/new-array.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { parseUuid, UUID_BYTES, uuidText } from "../ondisk/uuid.js";
import type { Member } from "./member.js";

const DEFAULT_CLUSTER_NAME = "slotmark";
const DEFAULT_ARRAY_NAME = "slotmark";
const SET_NAME_BYTES = 32;

export interface CreateArrayOptions {
  /** 2 to 64; default 4, as mdadm's. */
  readonly nodes?: number | undefined;
  readonly chunkBytes?: number | "default" | undefined;
  readonly level?: ArrayLevel | undefined;
  readonly clusterName?: string | undefined;
  readonly assumeClean?: boolean | undefined;
  readonly setUuid?: string | undefined;
  /** In order of the members; those behind the last one given get random ones. */
  readonly deviceUuids?: readonly string[] | undefined;
  /** `HOST:NAME` as it goes into the superblock. */
  readonly name?: string | undefined;
  /** Seconds since 1970. */
  readonly createdSeconds?: number | undefined;
  readonly daemonSleepSeconds?: number | undefined;
  readonly beyondMdadm?: boolean | undefined;
  /** Device numbers that have failed: the array begins degraded, and its members take the other numbers in order. */
  readonly faultyDevices?: readonly number[] | undefined;
  /** Use so much of each member, as if it ended there; absent: all of it. */
  readonly memberBytes?: number | undefined;
  /** Leave zeros unwritten on files that this call's guard has just made; otherwise every byte of the slots is written. */
  readonly sparse?: boolean | undefined;
  /** Paths whose old contents were given up: their signatures, and those where the new data begins, are zeroed. */
  readonly wipe?: readonly string[] | undefined;
  /** Stops before the new superblocks are written, so that no array is made; rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ArrayPlan {
  readonly array: NewArray;
  /** In order of the members; `sizeSectors` is the length that counts. */
  readonly devices: readonly {
    readonly member: Member;
    readonly deviceNumber: number;
    readonly sizeSectors: number;
    readonly deviceUuid: Uint8Array;
  }[];
}

/**
 * @throws SlotmarkError: what `placeArray` refuses, `uuid-invalid`, `device-uuid-count`, `duplicate-device-uuid`,
 * `cluster-name-too-long`, `name-too-long`, `time-invalid`, `daemon-sleep-invalid`
 */
export function planArray(members: readonly Member[], options: CreateArrayOptions): ArrayPlan {
  const level = options.level ?? 1;
  const nodes = options.nodes ?? DEFAULT_NODES;
  const faultyDevices = options.faultyDevices ?? [];
  const raidDisks = members.length + faultyDevices.length;
  const numbers = Array.from({ length: raidDisks }, (_, number) => number).filter(
    (number) => !faultyDevices.includes(number),
  );
  const uuids = deviceUuids(options.deviceUuids ?? [], members.length);
  const devices = members.map((member, index) => ({
    member,
    deviceNumber: numbers[index] ?? index,
    sizeSectors: usableSectors(member, options.memberBytes),
    deviceUuid: uuids[index] ?? randomUuid(),
  }));
  const placement = placeArray({
    members: devices.map(({ member, sizeSectors }) => ({ path: member.path, sizeSectors })),
    raidDisks,
    level,
    nodes,
    chunkBytes: options.chunkBytes ?? "default",
    beyondMdadm: options.beyondMdadm ?? false,
  });
  return {
    array: {
      placement,
      level,
      raidDisks,
      faultyDevices,
      nodes,
      clusterName: clusterName(options.clusterName),
      setUuid: options.setUuid === undefined ? randomUuid() : parseUuid(options.setUuid),
      setName: setName(options.name),
      createdSeconds: wholeSeconds(options.createdSeconds ?? Math.floor(Date.now() / 1000)),
      assumeClean: options.assumeClean ?? false,
      daemonSleepSeconds: daemonSleep(options.daemonSleepSeconds ?? DAEMON_SLEEP_SECONDS),
    },
    devices,
  };
}

function usableSectors(member: Member, memberBytes: number | undefined): number {
  if (memberBytes !== undefined && member.sizeBytes < memberBytes) {
    throw new SlotmarkError(
      "input",
      "member-too-small",
      `member ${member.path} has ${member.sizeBytes} bytes, fewer than the --size of ${memberBytes}`,
      "choose a smaller --size, or a larger member",
    );
  }
  return Math.floor((memberBytes ?? member.sizeBytes) / SECTOR_BYTES);
}

/** mdadm takes 64 bytes and keeps 63. */
function clusterName(name = DEFAULT_CLUSTER_NAME): string {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes >= 1 && bytes <= CLUSTER_NAME_BYTES && !name.includes("\0")) return name;
  throw new SlotmarkError(
    "usage",
    bytes === 0 ? "cluster-name-empty" : "cluster-name-too-long",
    `the cluster name has ${bytes} bytes, expected 1 to ${CLUSTER_NAME_BYTES}`,
    "give corosync's totem.cluster_name with --cluster-name",
  );
}

/** mdadm puts the host in front where both fit. */
function setName(name: string | undefined): string {
  if (name === undefined) {
    const full = `${hostname()}:${DEFAULT_ARRAY_NAME}`;
    return full.length < SET_NAME_BYTES ? full : DEFAULT_ARRAY_NAME;
  }
  const bytes = new TextEncoder().encode(name).length;
  if (bytes >= 1 && bytes < SET_NAME_BYTES && !name.includes("\0")) return name;
  throw new SlotmarkError(
    "usage",
    bytes === 0 ? "name-empty" : "name-too-long",
    `the array's name has ${bytes} bytes, expected 1 to ${SET_NAME_BYTES - 1}`,
    "shorten --name HOST:NAME",
  );
}

function wholeSeconds(seconds: number): number {
  // The superblock's ctime keeps 40 bits of seconds.
  if (Number.isInteger(seconds) && seconds >= 0 && seconds < 2 ** 40) return seconds;
  throw new SlotmarkError(
    "usage",
    "time-invalid",
    `the time of creation is ${seconds}, expected whole seconds since 1970`,
    "give --time SECONDS, for example the output of date +%s",
  );
}

function daemonSleep(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds < 2 ** 23) return seconds;
  throw new SlotmarkError(
    "usage",
    "daemon-sleep-invalid",
    `daemon_sleep is ${seconds} s, expected whole seconds, at least 1`,
    "the superblock keeps whole seconds",
  );
}

function deviceUuids(texts: readonly string[], members: number): Uint8Array[] {
  if (texts.length > members) {
    throw new SlotmarkError(
      "usage",
      "device-uuid-count",
      `${texts.length} device UUIDs were given for ${members} members`,
      "repeat --device-uuid at most once for each member, in order; the others get random ones",
    );
  }
  const uuids = texts.map((text) => parseUuid(text));
  if (new Set(uuids.map(uuidText)).size !== uuids.length) {
    throw new SlotmarkError(
      "usage",
      "duplicate-device-uuid",
      "two members were given the same device UUID",
      "give each member its own --device-uuid",
    );
  }
  return uuids;
}

function randomUuid(): Uint8Array {
  return new Uint8Array(randomBytes(UUID_BYTES));
}
