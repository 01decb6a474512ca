/** `examine` for people: one block a member, fields aligned, a table of slots. */
import { stateNames } from "../ondisk/bitmap-superblock.js";
import { readFixedText } from "../ondisk/fixed-text.js";
import { MAX_SECTOR, type MdSuperblock } from "../ondisk/md-superblock.js";
import { SECTOR_BYTES, slotSector } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { byteText } from "../scenario/byte-text.js";
import type { MemberBitmap } from "../storage/member-bitmap.js";
import type { ChunkRanges } from "./chunk-ranges.js";
import { roleNames } from "./examine-json.js";
import type { ExaminedMember, ExaminedSlot } from "./examined-member.js";

const RANGES_SHOWN = 8;
const LABEL_WIDTH = 16;

export function* examinationText(members: readonly ExaminedMember[]): Generator<string> {
  for (const [index, { metadata, slots }] of members.entries()) {
    if (index > 0) yield "\n";
    yield `${metadata.origin.member}\n`;
    yield fields("md superblock", superblockFields(metadata.superblock, metadata.origin.offsetBytes));
    if (metadata.bitmap === null) yield "  no bitmap\n";
    else {
      yield fields("bitmap", bitmapFields(metadata.bitmap));
      yield slotTable(metadata.bitmap, slots);
    }
  }
}

type Field = readonly [label: string, value: string];

function superblockFields(superblock: MdSuperblock, offsetBytes: number): Field[] {
  const role = superblock.roles[superblock.devNumber];
  const created = new Date(Number(superblock.ctime & 0xff_ffff_ffffn) * 1000);
  return [
    ["version", `${superblock.majorVersion}.2 at byte ${offsetBytes}`],
    ["features", `0x${superblock.featureMap.toString(16)}`],
    ["array", uuidText(superblock.setUuid)],
    ["name", readFixedText(superblock.setName)],
    ["created", Number.isNaN(created.getTime()) ? `${superblock.ctime}` : created.toISOString()],
    ["level", `raid${superblock.level}, ${superblock.raidDisks} devices`],
    [
      "device",
      `${uuidText(superblock.deviceUuid)}, number ${superblock.devNumber}, role ${roleNames([role ?? 0])[0] ?? "spare"}`,
    ],
    ["roles", roleNames(superblock.roles).join(" ")],
    ["used", sectors(superblock.sizeSectors)],
    ["data", `from sector ${superblock.dataOffsetSectors}, ${sectors(superblock.dataSizeSectors)}`],
    ["events", `${superblock.events}`],
    ["resync", superblock.resyncOffset === MAX_SECTOR ? "none" : `from sector ${superblock.resyncOffset}`],
    ["checksum", `${superblock.checksum.toString(16).padStart(8, "0")}, correct`],
  ];
}

function bitmapFields({ geometry, slots }: MemberBitmap): Field[] {
  const superblock = slots[0]?.superblock;
  if (superblock === undefined) return [];
  return [
    ["version", `${superblock.version}`],
    ["array", uuidText(superblock.uuid)],
    [
      "covers",
      `${sectors(superblock.syncSizeSectors)} in ${geometry.chunks} chunks of ${byteText(superblock.chunkBytes)}`,
    ],
    ["daemon sleep", `${superblock.daemonSleepSeconds} s`],
    ["write behind", superblock.writeBehind === 0 ? "none" : `at most ${superblock.writeBehind}`],
    ["nodes", `${superblock.nodes}${superblock.nodes === 0 ? " (no cluster)" : ""}`],
    ["cluster", readFixedText(superblock.clusterName) || "none"],
    ["slots", `from sector ${geometry.firstSlotSector}, every ${geometry.strideSectors} sectors`],
  ];
}

function slotTable({ geometry, slots: superblocks }: MemberBitmap, slots: readonly ExaminedSlot[]): string {
  const rows = [["slot", "at byte", "events", "cleared", "state", "dirty", "dirty chunks"]];
  for (const [index, { slot, superblock }] of superblocks.entries()) {
    const bits = slots[index];
    if (bits === undefined) continue;
    rows.push([
      `${slot}`,
      `${slotSector(geometry, slot) * SECTOR_BYTES}`,
      `${superblock.events}`,
      `${superblock.eventsCleared}`,
      stateNames(superblock.state).join(",") || "ok",
      `${bits.dirtyChunks}`,
      rangesText(bits.ranges),
    ]);
  }
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const textColumns = new Set([4, 6]);
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        textColumns.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `    ${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

function rangesText(ranges: ChunkRanges): string {
  const shown = [...ranges.slice(0, RANGES_SHOWN)].map(([first, last]) =>
    first === last ? `${first}` : `${first}-${last}`,
  );
  const rest = ranges.length - shown.length;
  return shown.join(" ") + (rest > 0 ? ` and ${rest} more ranges` : "");
}

function fields(title: string, list: readonly Field[]): string {
  return `  ${title}\n${list.map(([label, value]) => `    ${label.padEnd(LABEL_WIDTH)}${value}\n`).join("")}`;
}

function sectors(count: bigint): string {
  return `${count} sectors (${byteText(Number(count) * SECTOR_BYTES)})`;
}
