/**
 * Whether another host writes to a clustered member: its superblock and slots are read twice, further apart than two
 * of a living cluster's daemon passes. Nothing local shows such a host. A change proves it; quiet proves nothing.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusteredSuperblock } from "./clustered-superblock.js";
import { errnoCode, memberFailed } from "./device-error.js";
import { directMemory } from "./direct-memory.js";
import { refusedMember } from "./refusal.js";

const PIECE_BYTES = 1 << 20;

export interface WatchedMember {
  readonly path: string;
  readonly array: ClusteredSuperblock;
}

/** Nobody sets daemon_sleep to more than a minute; one damaged bit may, and would keep the user waiting for days. */
const DAEMON_SLEEP_WATCHED_SECONDS_MAX = 60;

/** A pass comes 5 to 10 s after the last one (golden/writes, finding 3) at the default daemon_sleep of 5 s. */
export function watchSeconds(daemonSleepSeconds: number): number {
  return 2 * Math.min(daemonSleepSeconds, DAEMON_SLEEP_WATCHED_SECONDS_MAX) + 2;
}

/**
 * @throws SlotmarkError `refused`/`member-in-use-by-other-host` for the first member whose bytes changed; `--destroy`
 * does not override it
 */
export async function watchMembers(
  members: readonly WatchedMember[],
  onNotice: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (members.length === 0) return;
  const seconds = watchSeconds(Math.max(...members.map(({ array }) => array.daemonSleepSeconds)));
  const paths = members.map(({ path }) => path).join(", ");
  onNotice(
    `watching ${paths} for ${seconds} s, because another host may have this array running (--no-watch skips this)`,
  );
  const before = await digestsOf(members);
  try {
    await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    // The timer rejects with an error of its own; callers know the signal's reason.
    signal?.throwIfAborted();
    throw error;
  }
  const after = await digestsOf(members);
  for (const [index, member] of members.entries()) {
    const piece = before[index]?.findIndex((digest, at) => digest !== after[index]?.[at]) ?? -1;
    if (piece >= 0) {
      throw refusedMember(
        "member-in-use-by-other-host",
        member.path,
        `is in use by another host: bytes ${piece * PIECE_BYTES} to ${(piece + 1) * PIECE_BYTES - 1} changed within ${seconds} s`,
        "stop the array on every host first (mdadm --stop); no option overrides this",
      );
    }
  }
  onNotice(
    `${paths}: nothing changed in ${seconds} s; that is no proof, an idle cluster writes nothing. Make sure that no other host has this array`,
  );
}

async function digestsOf(members: readonly WatchedMember[]): Promise<string[][]> {
  const digests: string[][] = [];
  for (const member of members) digests.push(await digestPieces(member));
  return digests;
}

/** Digests of the bytes below the data area, read past this host's page cache, which another host does not share. */
async function digestPieces({ path, array }: WatchedMember): Promise<string[]> {
  const memory = directMemory(PIECE_BYTES);
  const handle = await openForReading(path);
  try {
    const digests: string[] = [];
    for (let offsetBytes = 0; offsetBytes < array.dataOffsetBytes; offsetBytes += PIECE_BYTES) {
      const lengthBytes = Math.min(PIECE_BYTES, array.dataOffsetBytes - offsetBytes);
      const { bytesRead } = await handle.read(memory, 0, lengthBytes, offsetBytes).catch((error: unknown) => {
        throw memberFailed({ path, action: "reading", offsetBytes, lengthBytes }, error);
      });
      if (bytesRead === 0) break; // a truncated image
      digests.push(createHash("sha256").update(memory.subarray(0, bytesRead)).digest("base64"));
    }
    return digests;
  } finally {
    await handle.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch (error) {
    if (errnoCode(error) !== "EINVAL") throw memberFailed({ path, action: "opening" }, error);
    return open(path, constants.O_RDONLY);
  }
}
