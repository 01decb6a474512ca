/** The members of a history: copies of an array that is made once for each shape. */
import fs from "node:fs";
import path from "node:path";
import type { SlotGeometry } from "../../src/ondisk/slot-geometry.js";
import { type CreateArrayOptions, createArray, resetSlots } from "../../src/storage/array.js";
import { openMembers } from "../../src/storage/open-members.js";
import type { HistoryPlan } from "./history-plan.js";

const MIB = 1 << 20;
const DISKS = 2;

interface Template {
  readonly uuid: string;
  readonly geometry: SlotGeometry;
  /** What lies in front of the data, by member. */
  readonly heads: readonly Buffer[];
}

export interface HistoryArray {
  readonly folder: string;
  /** The array's first members. */
  readonly members: readonly string[];
  /** Blank. */
  readonly disks: readonly string[];
  readonly geometry: SlotGeometry;
  remove(): void;
}

const templates = new Map<string, Promise<Template>>();

/** Fresh members, in sync, every bit clear. */
export async function historyArray(plan: HistoryPlan): Promise<HistoryArray> {
  const key = JSON.stringify([plan.nodes, plan.members, plan.sizeMib, plan.chunkBytes]);
  const made = templates.get(key) ?? makeTemplate(plan);
  templates.set(key, made);
  const { geometry, heads } = await made;
  const folder = temporaryFolder();
  const file = (name: string, head: Uint8Array) => {
    const member = path.join(folder, name);
    fs.writeFileSync(member, head);
    fs.truncateSync(member, plan.sizeMib * MIB);
    return member;
  };
  const members = heads.map((head, index) => file(`member${index}`, head));
  const disks = Array.from({ length: DISKS }, (_, index) => file(`disk${index}`, new Uint8Array()));
  return {
    folder,
    members,
    disks,
    geometry,
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

async function makeTemplate(plan: HistoryPlan): Promise<Template> {
  const folder = temporaryFolder();
  try {
    const paths = Array.from({ length: plan.members }, (_, index) => path.join(folder, `member${index}`));
    const members = await openMembers({
      paths,
      destroy: [],
      watch: false,
      createSizeBytes: plan.sizeMib * MIB,
      existingArray: "refuse",
    });
    const options: CreateArrayOptions = {
      nodes: plan.nodes,
      chunkBytes: plan.chunkBytes,
      beyondMdadm: true,
      assumeClean: true,
      sparse: true,
    };
    try {
      const array = await createArray(members, options);
      await resetSlots(array);
      const { geometry, setUuid } = array;
      const heads = paths.map((member) => firstBytes(member, geometry.dataOffsetSectors * 512));
      return { uuid: setUuid, geometry, heads };
    } finally {
      for (const member of members) member.close();
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function firstBytes(member: string, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  const descriptor = fs.openSync(member, "r");
  fs.readSync(descriptor, bytes, 0, lengthBytes, 0);
  fs.closeSync(descriptor);
  return bytes;
}

function temporaryFolder(): string {
  const parent = fs.existsSync("/dev/shm") ? "/dev/shm" : "/var/tmp";
  return fs.mkdtempSync(path.join(parent, "slotmark-history-"));
}
