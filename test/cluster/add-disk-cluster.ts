/** Clusters for tests of adding a disk, and what must hold on all nodes and members afterwards. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { roleNumber } from "../../src/cluster/array-members.js";
import type { ArrayNode } from "../../src/cluster/array-node.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import type { JoinOptions } from "../../src/cluster/node-options.js";
import { parseMdSuperblock } from "../../src/ondisk/md-superblock.js";
import { uuidText } from "../../src/ondisk/uuid.js";
import { readMember, type TestArray, type TestArrayOptions, type TestNode, testArray } from "./test-array.js";

const NEW_DISK_BYTES = 64 << 20;

export interface AddDiskCluster {
  readonly array: TestArray;
  readonly nodes: readonly TestNode[];
  /** Empty files that every node sees unless its options say otherwise. */
  readonly disks: readonly [string, string];
}

export type OptionsOf = (index: number, disks: readonly [string, string]) => Partial<JoinOptions>;

/** @param optionsOf what is special about the node of that slot */
export async function addDiskCluster(
  t: TestContext,
  count: number,
  optionsOf: OptionsOf = () => ({}),
  arrayOptions: TestArrayOptions = {},
): Promise<AddDiskCluster> {
  const array = await testArray(t, { nodes: 8, ...arrayOptions });
  const disks = [emptyFile(array.folder, "new0"), emptyFile(array.folder, "new1")] as const;
  const nodes: TestNode[] = [];
  for (let index = 0; index < count; index++) {
    nodes.push(await array.join({ visiblePaths: disks, ...optionsOf(index, disks) }));
  }
  return { array, nodes, disks };
}

function emptyFile(folder: string, name: string): string {
  const file = path.join(folder, name);
  fs.closeSync(fs.openSync(file, "wx"));
  fs.truncateSync(file, NEW_DISK_BYTES);
  return file;
}

export function at<T>(list: readonly T[], index: number): T {
  const found = list.at(index);
  assert.ok(found !== undefined, `nothing at ${index}`);
  return found;
}

/** Steps of adding a disk with their outcomes, in order. */
export function stepsOf({ events }: TestNode): string[] {
  return addDiskEvents(events).map(({ step, outcome }) => `${step} ${outcome}`);
}

export function addDiskEvents(events: readonly ClusterEvent[]) {
  return events.filter((event) => event.kind === "addDisk");
}

/** Lock calls of the channel since the last call, as golden-lock-calls.ts writes them. */
export function lockCallsOf({ events }: TestNode): string[] {
  return events.flatMap((event) =>
    event.kind === "lockCall" && !event.resource.startsWith("bitmap")
      ? [`${event.resource} ${event.mode} ${event.flags.join("|")} ${event.status}`]
      : [],
  );
}

/** Ends of work that is not awaited (what survivors do after a death, a message under way) are waited for here. */
export async function settled(holds: () => boolean, what: string | (() => string)): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) assert.fail(`never came to hold: ${typeof what === "string" ? what : what()}`);
    await setImmediate();
  }
}

/** What a node knows of the array's devices. */
export function knownTo(node: ArrayNode): string[] {
  return node.members.map(
    ({ deviceNumber, deviceUuid, role, candidate, recoveredSectors }) =>
      `${deviceNumber} ${deviceUuid} ${role} ${recoveredSectors}${candidate ? " candidate" : ""}`,
  );
}

/** Every node that lives knows the same devices, none of them a candidate, and every device's superblock says the same. */
export async function assertAllAgree(nodes: readonly TestNode[]): Promise<void> {
  const living = nodes.map(({ node }) => node).filter(({ gone }) => !gone);
  const first = at(living, 0);
  const agree = () =>
    living.every(
      (node) =>
        knownTo(node).join() === knownTo(first).join() &&
        node.state.events === first.state.events &&
        !node.state.newDisk.agreed &&
        node.members.every(({ candidate }) => !candidate),
    ) && isOnItsDevices(first);
  await settled(agree, () => `all agree: ${JSON.stringify(living.map(knownTo))}`);
}

/** Whether what the node knows is what lies on every device that has not failed. */
function isOnItsDevices(node: ArrayNode): boolean {
  return node.members.every(({ device, deviceNumber, deviceUuid, role }) => {
    if (role === "faulty") return true;
    const superblock = parseMdSuperblock(readMember(device.path, 4096, 4096));
    return (
      Number(superblock.events) === node.state.events &&
      superblock.devNumber === deviceNumber &&
      uuidText(superblock.deviceUuid) === deviceUuid &&
      node.members.every((member) => superblock.roles[member.deviceNumber] === roleNumber(member.role))
    );
  });
}

export function isVisibleTo(node: ArrayNode, disk: string): boolean {
  return node.members.some(({ device, candidate }) => device.path === disk && !candidate);
}

/** The device's superblock says nothing at all. */
export function isErased(disk: string): boolean {
  return readMember(disk, 4096, 4096).every((byte) => byte === 0);
}
