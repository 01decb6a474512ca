/**
 * One node of a replayed array: its slot's bitmap, the members it writes to in its own order, and the page writes that it issues. It
 * has no clock: the caller says when.
 */
import type { SlotBitmap } from "../bitmap/slot-bitmap.js";
import { pageSector, pageWriteBytes, SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { PageWrite, WriteCause } from "./page-write.js";
import type { SlotImages } from "./slot-images.js";

/** `bitmap_flush` calls the daemon this often, so that the youngest idle chunk is cleared and written (spec §3.4). */
const PASSES_AT_STOP = 3;

export interface VirtualNodeStart {
  readonly events: number;
  readonly eventsCleared: number;
  /** Its slot has bits on disk, which it has loaded. */
  readonly dirty: boolean;
}

export class VirtualNode {
  private readonly failed = new Set<string>();
  private inSync: readonly string[];
  private events: number;

  /** `members` in the order of the node's rdev list; page writes go to `issued`. */
  constructor(
    readonly slot: number,
    readonly bitmap: SlotBitmap,
    private readonly members: readonly string[],
    start: VirtualNodeStart,
    private readonly issued: PageWrite[],
    private readonly disk: SlotImages,
  ) {
    this.inSync = members;
    this.events = start.events;
    if (start.dirty) this.readSlot();
    bitmap.eventsCleared = start.eventsCleared;
    this.tellArrayState();
  }

  get degraded(): boolean {
    return this.failed.size > 0;
  }

  /** Bios that one application write becomes. */
  get copies(): number {
    return this.inSync.length;
  }

  /** Returns whether the write was started; where a chunk has no room in its counter it has to wait for another's end. */
  startWrite(sector: number, sectors: number): boolean {
    this.fillRing(sector, sectors);
    return this.bitmap.startWrites(0, 1) === 1;
  }

  endWrite(sector: number, sectors: number, failed: boolean): void {
    this.fillRing(sector, sectors);
    this.bitmap.endWrites(0, 1, failed);
  }

  unplug(atNs: number): void {
    this.issue(this.bitmap.unplug(), atNs, "unplug");
  }

  daemonPass(atNs: number): void {
    this.issue(this.bitmap.daemonPass(), atNs, "daemon");
  }

  /** The array's metadata changes: its event count rises and page 0 is rewritten with it. */
  updateSuperblock(atNs: number): void {
    this.events++;
    this.tellArrayState();
    this.writeSuperblock(atNs);
  }

  /** The bitmap is taken from disk, which ends in a write of page 0 with the events as they are (trace G_assemble). */
  load(atNs: number): void {
    this.readSlot();
    this.writeSuperblock(atNs);
  }

  /** Every page is to be written at the next pass or unplug, for a spare has come that has none (`bitmap_write_all`). */
  writeAll(): void {
    this.bitmap.writeAll();
  }

  /**
   * Takes another slot's bits from disk into its own (spec §4.3). With `clear` the slot's node is dead: its slot is cleared
   * as well, and its superblock rewritten. md clears first (finding 16); `safe` first has its own pages on disk.
   */
  copyFromSlot(slot: number, clear: boolean, atNs: number): void {
    this.bitmap.merge(this.disk.read(slot));
    const ownFirst = this.bitmap.geometry.variant === "safe";
    if (ownFirst) this.unplug(atNs);
    if (clear) {
      const pages = this.disk.clear(slot);
      this.issuePage(slot, 0, atNs, "superblock");
      for (const page of pages) this.issuePage(slot, page, atNs, "unplug");
    }
    if (!ownFirst) this.unplug(atNs);
  }

  /** Flush at stop: passes back to back, then page 0 (finding 11). */
  flush(atNs: number): void {
    for (let pass = 0; pass < PASSES_AT_STOP; pass++) this.issue(this.bitmap.daemonPass(), atNs, "stop");
    this.writeSuperblock(atNs);
  }

  fail(member: string): void {
    this.failed.add(member);
    this.membersChanged();
  }

  activate(member: string): void {
    this.failed.delete(member);
    this.membersChanged();
  }

  private membersChanged(): void {
    this.inSync = this.members.filter((member) => !this.failed.has(member));
    this.tellArrayState();
  }

  private readSlot(): void {
    this.bitmap.image.set(this.disk.read(this.slot));
    // An array that runs has resync_offset 0 on disk (finding 12): every bit found is one to resync.
    this.bitmap.load(0);
  }

  private tellArrayState(): void {
    this.bitmap.setArrayState({ events: this.events, degraded: this.degraded });
  }

  private writeSuperblock(atNs: number): void {
    this.issue(this.bitmap.updateSuperblock(), atNs, "superblock");
  }

  private fillRing(sector: number, sectors: number): void {
    this.bitmap.ring.sector[0] = sector;
    this.bitmap.ring.sectors[0] = sectors;
  }

  private issue(pages: number, atNs: number, cause: WriteCause): void {
    for (let i = 0; i < pages; i++) {
      const page = this.bitmap.pages.page[i] ?? 0;
      this.disk.write(this.slot, page, this.bitmap.image);
      this.issuePage(this.slot, page, atNs, cause);
    }
  }

  private issuePage(slot: number, page: number, atNs: number, cause: WriteCause): void {
    const { geometry } = this.bitmap;
    for (const member of this.inSync) {
      this.issued.push({
        timeSeconds: atNs / 1e9,
        node: this.slot,
        member,
        slot,
        page,
        sector: pageSector(geometry, slot, page),
        sectors: pageWriteBytes(geometry, slot, page) / SECTOR_BYTES,
        cause,
      });
    }
  }
}
