/** Which page writer a run uses: io_uring where the kernel has it, else blocking calls, and the result says so. */
import { SlotmarkError } from "../errors.js";
import { errnoName, type IoUringProbe, probeIoUring } from "../storage/native.js";
import type { PageIo } from "../storage/page-writer.js";

export interface PageIoChoice {
  readonly io: PageIo;
  /** Why the default was not to be had; null where it was, or where something else was asked for. */
  readonly fallback: string | null;
}

/**
 * @param asked what the command line says; undefined: the best that there is
 * @param writers as many rings must be had at once
 * @throws SlotmarkError `io-unknown`, `io-uring-refused`
 */
export function choosePageIo(
  asked: string | undefined,
  writers: number,
  probe: (rings: number) => IoUringProbe = probeIoUring,
): PageIoChoice {
  if (asked === "psync") return { io: "psync", fallback: null };
  if (asked !== undefined && asked !== "uring") {
    throw new SlotmarkError(
      "usage",
      "io-unknown",
      `--io ${asked} is no way to write that slotmark knows`,
      "Use --io uring (all members at once) or --io psync (one after another).",
    );
  }
  const lacking = lackingIoUring(probe(writers), writers);
  if (lacking === null) return { io: "uring", fallback: null };
  if (asked === undefined) return { io: "psync", fallback: lacking };
  throw new SlotmarkError(
    "refused",
    "io-uring-refused",
    `--io uring: ${lacking}`,
    "Use --io psync, or see what slotmark doctor says of io_uring.",
  );
}

/** Of a run that was ended because its ring was refused after all; null: it ended for something else. */
export function psyncInsteadOf(error: unknown): PageIoChoice | null {
  if (!(error instanceof SlotmarkError) || error.code !== "io-uring-refused") return null;
  return { io: "psync", fallback: error.message };
}

/** What keeps this process from writing through io_uring; null: nothing. */
function lackingIoUring(probe: IoUringProbe, writers: number): string | null {
  if (!probe.available) {
    const errno = errnoName(probe.errno ?? 0);
    return probe.rings === 0
      ? `the kernel gives this process no io_uring (${errno})`
      : `the kernel gives this process ${probe.rings} rings of io_uring, not one for each of ${writers} nodes (${errno})`;
  }
  if (!(probe.write && probe.writeFixed && probe.fsync)) {
    return "this kernel's io_uring lacks write or fsync (Linux 5.6 has both)";
  }
  return null;
}
