/** Reads all copies of ranges of chunks, piece by piece, and says in which chunks they differ. Common holes are skipped. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { ChunkExtent } from "../ondisk/chunk-extent.js";
import type { DataCopies } from "../ondisk/data-copies.js";
import { SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import type { ActiveMember } from "./array-roles.js";
import { type MemberSource, READ_BYTES_MAX, readWhole } from "./member-source.js";

/** Holes are skipped without waiting for anything; now and then signals and timers get their turn. */
const SKIPS_BETWEEN_TURNS = 4096;
const PIECE_SECTORS = READ_BYTES_MAX / SECTOR_BYTES;

export interface DifferingCopies {
  readonly chunks: ChunkExtent;
  /** Where the first difference lies. */
  readonly first: {
    readonly members: readonly [string, string];
    /** From the start of each of the two members. */
    readonly offsetsBytes: readonly [number, number];
  };
}

export interface CopyComparison {
  readonly geometry: SlotGeometry;
  readonly copies: DataCopies;
  readonly members: readonly ActiveMember[];
  /** Told how much of the array has been compared or skipped. */
  readonly onProgress?: ((doneSectors: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Reader {
  readonly member: ActiveMember;
  readonly dataOffsetBytes: number;
  readonly holes: Holes;
}

interface CopyPlace extends Reader {
  /** On the member. */
  readonly offsetBytes: number;
}

interface ReadCopy {
  readonly member: ActiveMember;
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}

export class CopyComparer {
  private readonly chunks = new ChunkExtent();
  private readonly readers: readonly Reader[];
  private first: DifferingCopies["first"] | undefined;

  constructor(private readonly comparison: CopyComparison) {
    this.readers = comparison.members.map((member) => ({
      member,
      dataOffsetBytes: Number(member.metadata.superblock.dataOffsetSectors) * SECTOR_BYTES,
      holes: new Holes(member.source),
    }));
  }

  /** Undefined: all copies compared so far are equal. */
  get differing(): DifferingCopies | undefined {
    return this.first === undefined ? undefined : { chunks: this.chunks, first: this.first };
  }

  /** @throws SlotmarkError `device`/`member-failed`; the signal's reason once it is aborted */
  async compareChunks(firstChunk: number, lastChunk: number): Promise<void> {
    const { geometry, signal, onProgress } = this.comparison;
    const end = Math.min((lastChunk + 1) * geometry.chunkSectors, geometry.syncSizeSectors);
    for (let sector = firstChunk * geometry.chunkSectors, skips = 0; sector < end; ) {
      const copies = this.copiesAt(sector);
      const together = this.sectorsTogether(sector, end);
      const skipped = copies.length < 2 ? together : Math.min(together, holeSectors(copies));
      if (skipped > 0) {
        sector += skipped;
        if (++skips % SKIPS_BETWEEN_TURNS === 0) await nextTurn();
      } else {
        const sectors = Math.min(together, PIECE_SECTORS);
        await this.comparePiece(sector, sectors, copies);
        sector += sectors;
      }
      signal?.throwIfAborted();
      onProgress?.(sector);
    }
  }

  private copiesAt(sector: number): CopyPlace[] {
    return this.comparison.copies.copiesOf(sector).flatMap(({ role, memberSector }) => {
      const member = this.readers.find((reader) => reader.member.role === role);
      if (member === undefined || memberSector >= member.member.copySectors) return [];
      return [{ ...member, offsetBytes: member.dataOffsetBytes + memberSector * SECTOR_BYTES }];
    });
  }

  /** Sectors whose copies lie together on the same members, none of which ends within them (a recovery goes on there). */
  private sectorsTogether(sector: number, end: number): number {
    const { copies, members } = this.comparison;
    let sectors = Math.min(end - sector, copies.sectorsTogether(sector));
    for (const { role, memberSector } of copies.copiesOf(sector)) {
      const limit = members.find((member) => member.role === role)?.copySectors ?? memberSector;
      if (limit > memberSector) sectors = Math.min(sectors, limit - memberSector);
    }
    return sectors;
  }

  private async comparePiece(sector: number, sectors: number, places: readonly CopyPlace[]): Promise<void> {
    const copies = await Promise.all(
      places.map(async ({ member, offsetBytes }) => {
        const bytes = await readWhole(member.source, offsetBytes, sectors * SECTOR_BYTES, "data");
        return { member, offsetBytes, bytes };
      }),
    );
    const [reference, ...others] = copies;
    if (reference === undefined) return;
    const unequal = others.filter(({ bytes }) => Buffer.compare(reference.bytes, bytes) !== 0);
    if (unequal.length > 0) this.locate(sector, reference, unequal);
  }

  private locate(sector: number, reference: ReadCopy, others: readonly ReadCopy[]): void {
    const { chunkSectors } = this.comparison.geometry;
    const endSector = sector + reference.bytes.length / SECTOR_BYTES;
    for (let from = sector; from < endSector; ) {
      const chunk = Math.floor(from / chunkSectors);
      const to = Math.min((chunk + 1) * chunkSectors, endSector);
      const [start, end] = [(from - sector) * SECTOR_BYTES, (to - sector) * SECTOR_BYTES];
      const bytes = reference.bytes.subarray(start, end);
      const other = others.find((copy) => Buffer.compare(bytes, copy.bytes.subarray(start, end)) !== 0);
      if (other !== undefined) {
        this.chunks.push(chunk, chunk);
        const at = start + bytes.findIndex((byte, index) => byte !== other.bytes[start + index]);
        this.first ??= {
          members: [reference.member.source.path, other.member.source.path],
          offsetsBytes: [reference.offsetBytes + at, other.offsetBytes + at],
        };
      }
      from = to;
    }
  }
}

/** Sectors from here on that are a hole in every copy. */
function holeSectors(copies: readonly CopyPlace[]): number {
  const bytes = Math.min(...copies.map(({ holes, offsetBytes }) => holes.bytesAt(offsetBytes)));
  return Math.floor(bytes / SECTOR_BYTES);
}

/** Holes of one member, asked in ascending order. */
class Holes {
  private from = 0;
  private dataStart = 0;
  private dataEnd = 0;

  constructor(private readonly source: MemberSource) {}

  /** Bytes of hole from `offsetBytes` on, 0 where data is. */
  bytesAt(offsetBytes: number): number {
    if (offsetBytes < this.from || offsetBytes >= this.dataEnd) {
      const extent = this.source.nextData(offsetBytes);
      this.from = offsetBytes;
      this.dataStart = extent?.start ?? Number.POSITIVE_INFINITY;
      this.dataEnd = extent?.end ?? Number.POSITIVE_INFINITY;
    }
    return Math.max(0, this.dataStart - offsetBytes);
  }
}
