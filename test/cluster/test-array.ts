/**
 * Small arrays in memory for tests of the cluster, and nodes on them that all live on this thread. Whatever a test leaves
 * behind is taken down after it.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type ArrayNode, joinArray } from "../../src/cluster/array-node.js";
import {
  type ArrayStorage,
  createArrayStorage,
  type MemberDevice,
  type WritePurpose,
} from "../../src/cluster/array-storage.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import type { JoinOptions } from "../../src/cluster/node-options.js";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { MD_SUPERBLOCK_SECTOR } from "../../src/ondisk/md-superblock.js";
import { type CreateArrayOptions, createArray } from "../../src/storage/array.js";
import { checkConsistencyOf } from "../../src/storage/consistency.js";
import { openMembers } from "../../src/storage/open-members.js";

const MIB = 1 << 20;

/** Long enough for a loaded machine; what waits so long hangs. */
export const HANGS_MS = 60_000;

export interface TestArray {
  readonly folder: string;
  readonly uuid: string;
  readonly members: readonly string[];
  /** Joins as the next node number; `numbers` and lockspace are the array's own. */
  join(options?: Partial<JoinOptions>): Promise<TestNode>;
  /** Joins so many, one after the other: slots 0, 1, … */
  joinAll(count: number, options?: Partial<JoinOptions>): Promise<TestNode[]>;
}

export interface TestNode {
  readonly node: ArrayNode;
  readonly events: ClusterEvent[];
}

export interface TestArrayOptions extends CreateArrayOptions {
  readonly memberCount?: number;
  readonly sizeBytes?: number;
  /** False where members are to differ in the end: they are not checked then. */
  readonly endsConsistent?: boolean;
}

/**
 * Clean, with 64 KiB chunks unless told otherwise: 64 MiB members on tmpfs where there is one. When the test is over and its
 * nodes are dead the members are checked.
 */
export async function testArray(context: TestContext, options: TestArrayOptions = {}): Promise<TestArray> {
  const { memberCount = 2, sizeBytes = 64 * MIB, endsConsistent = true, ...create } = options;
  const folder = newMemoryFolder();
  const members = Array.from({ length: memberCount }, (_, index) => path.join(folder, `member${index}`));
  const uuid = await makeArray(members, sizeBytes, create);
  const nodes = nodesOn(context, members);
  context.after(async () => {
    try {
      // Nobody has recovered the slots of those who were there to the end.
      const { violations } = await checkConsistencyOf(members, { heldSlots: [...nodes.slots] });
      if (endsConsistent) assert.deepEqual(violations, [], "members after the test");
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
  return { folder, uuid, members, ...nodes };
}

/** Joins nodes of an array that lies on `members`; they die with the test. */
export function nodesOn(
  context: TestContext,
  members: readonly string[],
): Pick<TestArray, "join" | "joinAll"> & { readonly slots: ReadonlySet<number> } {
  const nodes: ArrayNode[] = [];
  /** Had by a node at some time. */
  const slots = new Set<number>();
  context.after(async () => {
    for (const node of nodes) if (!node.gone) node.die();
    await setImmediate();
  });
  let lastNumber = 0;
  const join = async (joinOptions: Partial<JoinOptions> = {}): Promise<TestNode> => {
    const number = ++lastNumber;
    const events: ClusterEvent[] = [];
    const node = await joinArray({
      joinLockspace: ({ arrayUuid, onRecovery }) =>
        joinEmbeddedLockspace({ lockspace: arrayUuid, node: number, onRecovery }),
      memberPaths: members,
      daemon: "manual",
      onEvent: (event) => events.push(event),
      ...joinOptions,
    });
    nodes.push(node);
    slots.add(node.slot);
    return { node, events };
  };
  return {
    slots,
    join,
    async joinAll(count, joinOptions) {
      const joined: TestNode[] = [];
      for (let index = 0; index < count; index++) joined.push(await join(joinOptions));
      return joined;
    },
  };
}

async function makeArray(paths: readonly string[], sizeBytes: number, options: CreateArrayOptions) {
  const request = { destroy: [], watch: false, createSizeBytes: sizeBytes, existingArray: "refuse" } as const;
  const members = await openMembers({ ...request, paths });
  try {
    const array = await createArray(members, {
      chunkBytes: 65536,
      assumeClean: true,
      sparse: true,
      ...options,
    });
    const zeroes = Buffer.alloc(array.geometry.pagesPerSlot * 4096 - 256);
    // mdadm's slot 0 is all ones.
    for (const { descriptor } of members) {
      fs.writeSync(descriptor, zeroes, 0, zeroes.length, array.geometry.firstSlotSector * 512 + 256);
    }
    return array.setUuid;
  } finally {
    for (const member of members) member.close();
  }
}

function newMemoryFolder(): string {
  const parent = fs.existsSync("/dev/shm") ? "/dev/shm" : "/var/tmp";
  return fs.mkdtempSync(path.join(parent, "slotmark-cluster-"));
}

/** A folder in memory where there is one, gone after the test. */
export function memoryFolder(context: TestContext): string {
  const folder = newMemoryFolder();
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A storage that asks before every write; what `beforeWrite` throws happens in its place. */
export function watchedStorage(
  beforeWrite: (
    device: MemberDevice,
    purpose: WritePurpose,
    offsetBytes: number,
    lengthBytes: number,
  ) => void,
): ArrayStorage {
  const storage = createArrayStorage();
  return {
    open(memberPath) {
      const device = storage.open(memberPath);
      return {
        path: device.path,
        sizeBytes: device.sizeBytes,
        logicalBlockBytes: device.logicalBlockBytes,
        optimalIoBytes: device.optimalIoBytes,
        read: (offsetBytes, lengthBytes) => device.read(offsetBytes, lengthBytes),
        write(offsetBytes, bytes, purpose) {
          beforeWrite(device, purpose, offsetBytes, bytes.length);
          device.write(offsetBytes, bytes, purpose);
        },
        close: () => device.close(),
      };
    },
  };
}

/** Bytes of a member as they lie on it. */
export function readMember(memberPath: string, offsetBytes: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  const descriptor = fs.openSync(memberPath, "r");
  try {
    fs.readSync(descriptor, bytes, 0, lengthBytes, offsetBytes);
  } finally {
    fs.closeSync(descriptor);
  }
  return bytes;
}

/** The md superblock's event count. */
export function eventsOn(memberPath: string): number {
  return Number(readMember(memberPath, MD_SUPERBLOCK_SECTOR * 512, 256).readBigUInt64LE(200));
}

/** Turns of the event loop until something is so. Gives up, as what a test's time-out leaves behind keeps its process alive. */
export async function until(reached: () => boolean): Promise<void> {
  const givesUpMs = performance.now() + HANGS_MS / 2;
  while (!reached()) {
    if (performance.now() > givesUpMs) throw new Error(`not so within ${HANGS_MS / 2} ms: ${reached}`);
    await setImmediate();
  }
}
