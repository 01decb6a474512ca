/** What `mdadm -E` and `mdadm -X` print, taken apart, and held against `examine --json` field by field. */
import assert from "node:assert/strict";
import type { BitmapJson, MemberJson } from "./examined.js";

type Fields = ReadonlyMap<string, string>;

export interface MdadmBitmap {
  readonly head: Fields;
  readonly slots: readonly Fields[];
}

/** Lines `label : value`; a label that comes again keeps its first value. */
function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const match = /^\s*([A-Z][A-Za-z ]*?)\s*: (.*)$/.exec(line);
    if (match?.[1] !== undefined && !fields.has(match[1])) fields.set(match[1], (match[2] ?? "").trim());
  }
  return fields;
}

export function parseBitmapText(text: string): MdadmBitmap {
  const [head = "", ...slots] = text.split(/^ *(?=Node Slot : )/m);
  return {
    head: fieldsOf(head.split("\n")),
    slots: slots.map((slot) => fieldsOf(slot.split("\n"))),
  };
}

/** Sections of a golden `.mdadm.txt`: one a member, `-E` and `-X`. */
export function parseGoldenText(text: string): { examine: string; bitmap: string }[] {
  return text
    .split(/^##### .*$/m)
    .slice(1)
    .map((section) => {
      const [examine = "", bitmap = ""] = section.split("--- -X\n");
      return { examine, bitmap };
    });
}

function number(fields: Fields, label: string): number {
  return Number(/-?\d+/.exec(fields.get(label) ?? "")?.[0] ?? Number.NaN);
}

function uuid(fields: Fields, label: string): string {
  const digits = (fields.get(label) ?? "").replaceAll(":", "");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function assertAgreesWithExamine({ superblock, bitmap }: MemberJson, text: string): void {
  const fields = fieldsOf(text.split("\n"));
  assert.equal(fields.get("Magic"), "a92b4efc");
  assert.equal(`${superblock.majorVersion}.${superblock.minorVersion}`, fields.get("Version"));
  assert.equal(superblock.featureMap, Number(fields.get("Feature Map")));
  assert.equal(superblock.setUuid, uuid(fields, "Array UUID"));
  assert.equal(superblock.setName, fields.get("Name")?.replace(/ +\(local to host .*\)$/, ""));
  assert.equal(bitmap?.clusterName, fields.get("Cluster Name"));
  assert.equal(`raid${superblock.level}`, fields.get("Raid Level"));
  assert.equal(superblock.raidDisks, number(fields, "Raid Devices"));
  assert.equal(superblock.dataSizeSectors, number(fields, "Avail Dev Size"));
  const copies = superblock.level === 10 ? 2 : superblock.raidDisks;
  assert.equal((superblock.sizeSectors * superblock.raidDisks) / copies / 2, number(fields, "Array Size"));
  const used = fields.has("Used Dev Size") ? number(fields, "Used Dev Size") : superblock.dataSizeSectors;
  assert.equal(superblock.sizeSectors, used);
  assert.equal(superblock.dataOffsetSectors, number(fields, "Data Offset"));
  assert.equal(superblock.superOffsetSectors, number(fields, "Super Offset"));
  assert.equal(fields.get("State"), superblock.resyncOffset === "none" ? "clean" : "active");
  assert.equal(superblock.deviceUuid, uuid(fields, "Device UUID"));
  assert.equal(superblock.bitmapOffsetSectors, number(fields, "Internal Bitmap"));
  const checksum = Number.parseInt(superblock.checksum, 16).toString(16);
  assert.equal(`${checksum} - correct`, fields.get("Checksum"));
  assert.match(superblock.checksum, /^[0-9a-f]{8}$/);
  assert.equal(superblock.checksumValid, true);
  assert.equal(superblock.events, number(fields, "Events"));
  const role = superblock.roles[superblock.devNumber] ?? "spare";
  assert.equal(typeof role === "number" ? `Active device ${role}` : role, fields.get("Device Role"));
  const active = Array.from({ length: superblock.raidDisks }, (_, index) =>
    superblock.roles.includes(index) ? "A" : ".",
  );
  assert.equal(active.join(""), fields.get("Array State")?.split(" ")[0]);
}

function chunkText(chunkBytes: number): string {
  const power = Math.floor(Math.log2(chunkBytes) / 10);
  return `${chunkBytes / 1024 ** power} ${["bytes", "KB", "MB", "GB"][power]}`;
}

export function assertAgreesWithBitmap(bitmap: BitmapJson, text: string): void {
  const { head, slots } = parseBitmapText(text);
  assert.equal(head.get("Magic"), "6d746962");
  assert.equal(bitmap.version, number(head, "Version"));
  assert.equal(bitmap.uuid, uuid(head, "UUID"));
  assert.equal(chunkText(bitmap.chunkBytes), head.get("Chunksize"));
  assert.equal(`${bitmap.daemonSleepSeconds}s flush period`, head.get("Daemon"));
  assert.equal(
    bitmap.writeBehind === 0 ? "Normal" : `Allow write behind, max ${bitmap.writeBehind}`,
    head.get("Write Mode"),
  );
  assert.equal(Math.floor(bitmap.syncSizeSectors / 2), number(head, "Sync Size"));
  assert.equal(bitmap.nodes, number(head, "Cluster nodes"));
  assert.equal(bitmap.clusterName, head.get("Cluster name"));
  assert.equal(bitmap.slots.length, slots.length);
  for (const [index, slot] of bitmap.slots.entries()) {
    const fields = slots[index] ?? new Map<string, string>();
    assert.equal(slot.slot, number(fields, "Node Slot"));
    assert.equal(slot.events, number(fields, "Events"));
    assert.equal(slot.eventsCleared, number(fields, "Events Cleared"));
    assert.equal(slot.state.length === 0 ? "OK" : "Out of date", fields.get("State"));
    const [bits, dirty] = [...(fields.get("Bitmap") ?? "").matchAll(/\d+(?= bits| dirty)/g)].map(Number);
    assert.equal(bitmap.chunks, bits);
    assert.equal(slot.dirtyChunks, dirty);
  }
}
