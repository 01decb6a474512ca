/**
 * Resync of an array, in the order of the kernel's raid1_sync_request (spec §3.6, §4.5): units of 64 KiB, announced
 * to the other nodes in windows of 32 MiB; what no bit covers is passed over without I/O and without a message.
 *
 * It knows neither members nor locks nor messages: the caller copies, announces, and is told of progress.
 */
import type { SlotBitmap } from "../bitmap/slot-bitmap.js";
import { PAGE_SECTORS } from "../ondisk/slot-geometry.js";

/** RESYNC_BLOCK_SIZE: 64 KiB. */
export const RESYNC_UNIT_SECTORS = 128;
/** CLUSTER_RESYNC_WINDOW_SECTORS: 32 MiB. */
export const RESYNC_WINDOW_SECTORS = 65_536;

export type ResyncBitmap = Pick<
  SlotBitmap,
  "geometry" | "startSync" | "endSync" | "closeSync" | "dirtyRanges"
>;

/**
 * copied: every target has the sectors. memberLost: a member failed and is faulty now. nowhere: no member that needs them, or
 * none to read from. unreadable: no member could be read.
 */
export type CopyOutcome = "copied" | "memberLost" | "nowhere" | "unreadable";

export interface ResyncJob {
  readonly bitmap: ResyncBitmap;
  /** Where to begin; everything below is in sync. Default 0: the bitmap knows. */
  readonly fromSector?: number;
  /** Copies what no bit covers as well (a new member). Default false. */
  readonly everything?: boolean;
  /** Whether a place of the array stays without a member: chunks then stay NEEDED. Asked at each unit. */
  degraded(): boolean;
  /** Copies sectors of the array at once, to all members that need them. */
  copy(sector: number, sectors: number): CopyOutcome;
  /** Resolves once every other node keeps its writers out of this window, and of no other. */
  announce(lowSector: number, highSector: number): Promise<void>;
  /** What lies below is complete. Told before each window, as the kernel's cond_end_sync; never at sector 0. */
  checkpoint(completedSector: number): Promise<void>;
  /** Stops before the next unit. */
  readonly signal?: AbortSignal;
}

export interface ResyncOutcome {
  readonly end: "done" | "stopped" | Exclude<CopyOutcome, "copied">;
  /** Below it everything is in sync. The array's size where the end is `done`. */
  readonly reachedSector: number;
  readonly copiedSectors: number;
  readonly windows: number;
}

/**
 * Runs to the end, or until it is stopped or cannot go on; then the chunks that it stopped in are NEEDED again. What
 * `announce` or `checkpoint` reject with passes through, and leaves the bitmap likewise. The last window stays announced:
 * whoever ends the resync ends it.
 */
export async function resync(job: ResyncJob): Promise<ResyncOutcome> {
  const run = new ResyncRun(job);
  let end: ResyncOutcome["end"] | undefined;
  try {
    end = await run.run();
  } finally {
    run.close(end === "done");
  }
  const { sector: reachedSector, copiedSectors, windows } = run;
  return { end, reachedSector, copiedSectors, windows };
}

class ResyncRun {
  /** The next unit's first sector. */
  sector: number;
  copiedSectors = 0;
  windows = 0;
  private readonly sizeSectors: number;
  private completedSector: number;
  /** End of the unit that is claimed and perhaps not copied. */
  private claimedToSector = 0;
  private windowEndSector = 0;
  /** Sectors at which spans begin that are in RESYNC for this run. */
  private started: number[] = [];
  /** The run of set bits at hand, first and last chunk. Up to its first chunk all are clean. */
  private dirty: readonly [number, number] = [0, -1];

  constructor(private readonly job: ResyncJob) {
    this.sector = job.fromSector ?? 0;
    this.completedSector = this.sector;
    this.sizeSectors = job.bitmap.geometry.syncSizeSectors;
  }

  async run(): Promise<ResyncOutcome["end"]> {
    while (this.passOver()) {
      if (this.job.signal?.aborted) return "stopped";
      // Two units ahead, as the kernel looks: so a window's last unit is the first of the next.
      if (this.sector + 2 * RESYNC_UNIT_SECTORS > this.windowEndSector) await this.checkpoint();
      const sectors = this.claim();
      if (sectors === 0) continue;
      if (this.windowEndSector < this.sector + 2 * sectors) await this.openWindow();
      if (this.job.signal?.aborted) return "stopped";
      const outcome = this.job.copy(this.sector, sectors);
      if (outcome !== "copied") return outcome;
      this.copiedSectors += sectors;
      this.sector += sectors;
      await turnOfEventLoop();
    }
    return "done";
  }

  close(done: boolean): void {
    const { bitmap } = this.job;
    if (!done) {
      let at = this.sector;
      do at += bitmap.endSync(at, true);
      while (at < this.claimedToSector);
    }
    bitmap.closeSync();
  }

  /** Goes to the next sector that needs resync; false at the array's end. */
  private passOver(): boolean {
    while (this.sector < this.sizeSectors) {
      if (this.job.everything === true) return true;
      const { needed, sectors } = this.job.bitmap.startSync(this.sector, true);
      if (needed) return true;
      this.sector = this.nextSetBit(this.sector + sectors);
    }
    return false;
  }

  private nextSetBit(sector: number): number {
    const { chunkSectors } = this.job.bitmap.geometry;
    const chunk = Math.floor(sector / chunkSectors);
    if (chunk > this.dirty[1]) {
      const [next] = this.job.bitmap.dirtyRanges(chunk, 1);
      if (next === undefined) return this.sizeSectors;
      this.dirty = next;
    }
    return Math.max(sector, this.dirty[0] * chunkSectors);
  }

  /** Sectors of the unit at `sector`: as long as its chunks need resync. */
  private claim(): number {
    const { bitmap, everything } = this.job;
    const degraded = this.job.degraded();
    const end = Math.min(this.sizeSectors, this.sector + RESYNC_UNIT_SECTORS);
    let to = this.sector;
    while (to < end) {
      const { needed, sectors } = bitmap.startSync(to, degraded);
      if (!needed && everything !== true) break;
      if (needed && !degraded) this.started.push(to);
      to += sectors;
    }
    this.claimedToSector = Math.min(to, end);
    return this.claimedToSector - this.sector;
  }

  private async openWindow(): Promise<void> {
    this.windowEndSector = this.completedSector + RESYNC_WINDOW_SECTORS;
    this.windows++;
    await this.job.announce(this.completedSector, this.windowEndSector);
  }

  /** Ends the chunks that lie below, as every unit up to here has been copied. */
  private async checkpoint(): Promise<void> {
    if (this.sector === 0) return;
    const { bitmap } = this.job;
    const { chunkSectors } = bitmap.geometry;
    const complete = Math.floor(this.sector / chunkSectors) * chunkSectors;
    for (const sector of this.started) {
      for (let at = sector, end = Math.min(complete, sector + PAGE_SECTORS); at < end; )
        at += bitmap.endSync(at, false);
    }
    this.started = this.started.filter((sector) => sector >= complete);
    this.completedSector = this.sector;
    await this.job.checkpoint(this.sector);
  }
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
