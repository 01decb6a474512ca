/** One pass over a trace: every line checked, its writes handed on in order, and what it holds summed up. */
import { createHash } from "node:crypto";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { blkparseReader } from "./blkparse.js";
import { detectFormat } from "./detect-format.js";
import type { LineReader, TraceEvent } from "./line-reader.js";
import { type TextLines, textLines } from "./text-lines.js";
import { malformedLine, type TracePlace, traceError } from "./trace-error.js";
import type { TraceSummary } from "./trace-summary.js";

/** blkparse merges CPUs' events by time, nearly; more than this is two traces in one file. */
const LATE_LIMIT_NS = 1e9;
const LARGEST_WRITE_SECTORS = 2 ** 32 - 1;
const LARGEST_ALIGNMENT_BYTES = 1 << 20;

/** Where a pass's writes go. */
export interface TraceSink {
  /** True: `flush` has to come before the next write. */
  add(sector: number, sectors: number, timeNs: number): boolean;
  flush(): Promise<void>;
}

export interface ReadTraceOptions {
  readonly sink: TraceSink;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the file read so far. */
  readonly onProgress?: ((readBytes: number) => void) | undefined;
}

/**
 * @throws SlotmarkError kind `input`: `trace-unreadable`, `trace-format-unknown`, `trace-malformed`, `trace-write-unaligned`,
 * `trace-several-targets`, `trace-time-back`, `trace-without-writes`
 */
export async function readTrace(path: string, options: ReadTraceOptions): Promise<TraceSummary> {
  const first = await readWith(path, undefined, options);
  if (first.writes > 0) return first;
  if (first.format === "blkparse") {
    // blkparse may have been told to print some actions only.
    for (const action of ["D", "C"] as const) {
      const other = await readWith(path, action, options);
      if (other.writes > 0) return other;
    }
  }
  throw traceError(
    "trace-without-writes",
    `${path}: none of its ${first.lines} lines is a write: ${first.reads} reads, ${first.trims} trims, ${first.syncs} syncs`,
    "Name a trace of a workload that writes.",
  );
}

async function readWith(
  path: string,
  action: "D" | "C" | undefined,
  { sink, signal, onProgress }: ReadTraceOptions,
): Promise<TraceSummary> {
  const pass = new Pass(path, sink);
  let reader: LineReader | undefined = action && blkparseReader(action);
  for await (const lines of textLines(path, signal)) {
    reader ??= detectFormat(path, lines.lines[0] ?? "");
    onProgress?.(lines.readBytes);
    if (await pass.read(reader, lines)) break;
  }
  return pass.summary(reader ?? detectFormat(path, ""), action);
}

/** What is known of the writes so far. */
class Pass {
  private readonly event: TraceEvent = { timeNs: 0, offsetBytes: 0, lengthBytes: 0, target: "" };
  private readonly hash = createHash("sha256");
  private readonly hashed = new Float64Array(3 * 1024);
  private inHashed = 0;
  private readonly counts = { read: 0, trim: 0, sync: 0, wait: 0, other: 0, end: 0 };
  private readonly alignments: { alignmentBytes: number; line: number }[] = [];
  private leastAlignmentBytes = 2 * LARGEST_ALIGNMENT_BYTES;
  private target = "";
  private targetLine = 0;
  private lines = 0;
  private writes = 0;
  private writtenBytes = 0;
  private firstNs = 0;
  private lastNs = 0;
  private outOfOrder = 0;
  private endBytes = 0;
  private endLine = 0;
  private largestWriteBytes = 0;

  constructor(
    private readonly path: string,
    private readonly sink: TraceSink,
  ) {}

  /** Returns true where nothing of concern follows. */
  async read(reader: LineReader, { firstLine, lines }: TextLines): Promise<boolean> {
    for (const [index, text] of lines.entries()) {
      const line = firstLine + index;
      if (line <= reader.headLines) continue;
      this.lines = line;
      const kind = reader.read(text, this.event);
      if (kind === "write") {
        if (this.take(reader, { path: this.path, line }, text)) await this.sink.flush();
      } else if (kind === null) {
        throw malformedLine({ path: this.path, line }, reader.expected, text);
      } else {
        this.counts[kind]++;
        if (kind === "end") return true;
      }
    }
    return false;
  }

  summary(reader: LineReader, action: string | undefined): TraceSummary {
    this.hash.update(new Uint8Array(this.hashed.buffer, 0, this.inHashed * 8));
    const durationNs = reader.hasTimes ? this.lastNs - this.firstNs : 0;
    const timed = durationNs > 0;
    return {
      format: reader.format,
      action: reader.format === "blkparse" ? (action ?? "Q") : null,
      lines: this.lines,
      writes: this.writes,
      writtenBytes: this.writtenBytes,
      reads: this.counts.read,
      trims: this.counts.trim,
      syncs: this.counts.sync,
      waits: this.counts.wait,
      timed,
      durationNs,
      meanIntervalNs: timed ? durationNs / (this.writes - 1) : 1,
      endBytes: this.endBytes,
      endLine: this.endLine,
      largestWriteBytes: this.largestWriteBytes,
      alignments: this.alignments,
      outOfOrder: this.outOfOrder,
      target: this.target,
      sha256: this.hash.digest("hex"),
    };
  }

  /** Returns whether the sink is full. */
  private take(reader: LineReader, place: TracePlace, text: string): boolean {
    const { offsetBytes, lengthBytes, target } = this.event;
    this.checkTarget(reader, place, target);
    this.checkPlace(place, text);
    this.noteAlignment(place, text);
    const endBytes = offsetBytes + lengthBytes;
    if (endBytes > this.endBytes) {
      this.endBytes = endBytes;
      this.endLine = place.line;
    }
    this.largestWriteBytes = Math.max(this.largestWriteBytes, lengthBytes);
    this.writtenBytes += lengthBytes;
    const timeNs = reader.hasTimes ? this.timeOf(place) : this.writes;
    this.writes++;
    const sector = offsetBytes / SECTOR_BYTES;
    const sectors = lengthBytes / SECTOR_BYTES;
    this.updateHash(sector, sectors, timeNs);
    return this.sink.add(sector, sectors, timeNs);
  }

  private checkTarget({ targetNoun }: LineReader, place: TracePlace, target: string): void {
    if (this.writes === 0) {
      this.target = target;
      this.targetLine = place.line;
    }
    if (target === this.target) return;
    throw traceError(
      "trace-several-targets",
      `${place.path}: line ${place.line} writes to ${targetNoun} ${target}, line ${this.targetLine} to ${this.target}; addresses of one ${targetNoun} say nothing about where those of another would lie on the array`,
      targetNoun === "file"
        ? "Record the block device under the files with blktrace, or keep the lines of one file."
        : "Have blkparse print one device only (blkparse -i DEVICE), as a rule the uppermost.",
    );
  }

  private checkPlace(place: TracePlace, text: string): void {
    const { offsetBytes, lengthBytes } = this.event;
    if (lengthBytes === 0 || lengthBytes / SECTOR_BYTES > LARGEST_WRITE_SECTORS)
      throw malformedLine(place, "a write of at least one byte and less than 2 TiB", text);
    if (!Number.isSafeInteger(offsetBytes + lengthBytes))
      throw malformedLine(place, "addresses below 2^53 bytes", text);
  }

  private noteAlignment(place: TracePlace, text: string): void {
    const alignmentBytes = Math.min(
      alignmentOf(this.event.offsetBytes),
      alignmentOf(this.event.lengthBytes),
      LARGEST_ALIGNMENT_BYTES,
    );
    if (alignmentBytes >= this.leastAlignmentBytes) return;
    if (alignmentBytes < SECTOR_BYTES) {
      throw traceError(
        "trace-write-unaligned",
        `${place.path}: line ${place.line}: offset and length of a write have to be multiples of ${SECTOR_BYTES} bytes, as O_DIRECT takes them, found ${text.trim()}`,
        "Record what reaches the block device (blktrace), or the application with direct I/O.",
      );
    }
    this.leastAlignmentBytes = alignmentBytes;
    this.alignments.push({ alignmentBytes, line: place.line });
  }

  /** From the first write, never going back. */
  private timeOf(place: TracePlace): number {
    const { timeNs } = this.event;
    if (this.writes === 0) this.firstNs = timeNs;
    else if (timeNs < this.lastNs) {
      if (this.lastNs - timeNs > LATE_LIMIT_NS) {
        throw traceError(
          "trace-time-back",
          `${place.path}: line ${place.line}: its time is ${(this.lastNs - timeNs) / 1e9} s before that of a write above it`,
          "One file holds one recording: sort its lines by time, or split it where time begins anew.",
        );
      }
      this.outOfOrder++;
      return this.lastNs - this.firstNs;
    }
    this.lastNs = timeNs;
    return timeNs - this.firstNs;
  }

  private updateHash(sector: number, sectors: number, timeNs: number): void {
    if (this.inHashed === this.hashed.length) {
      this.hash.update(new Uint8Array(this.hashed.buffer));
      this.inHashed = 0;
    }
    this.hashed[this.inHashed++] = sector;
    this.hashed[this.inHashed++] = sectors;
    this.hashed[this.inHashed++] = timeNs;
  }
}

/** Largest power of two that divides `bytes`; infinity for 0. */
function alignmentOf(bytes: number): number {
  if (bytes === 0) return Number.POSITIVE_INFINITY;
  const low = bytes % 2 ** 31;
  return low === 0 ? 2 ** 31 : low & -low;
}
