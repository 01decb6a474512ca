/**
 * The text that blkparse prints by default. A request leaves several lines, one for each thing that happens to it, of which those of
 * one action are taken so that every write counts once: Q, queued, as the application wrote; or, where a trace has none of them
 * (blkparse -a), D, issued, or C, completed.
 *
 * Source: blkparse(1), "OUTPUT DESCRIPTION AND FORMATTING", "DEFAULT OUTPUT".
 */
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import type { LineKind, LineReader, TraceEvent } from "./line-reader.js";

export type BlkparseAction = "Q" | "D" | "C";

/** `8,0 3 1 0.000000000 697 G W 223490 + 8 [kjournald]`: device, CPU, sequence, time, process, action, RWBS, what follows. */
const HEADER = /^ *(\d+,\d+) +\d+ +\d+ +(\d+)\.(\d{9}) +\d+ +([A-Za-z]{1,2}) +([A-Z]+)(?: (.*))?$/;
const PLACE = /^(\d+) \+ (\d+)(?: |$)/;
/** Where the totals begin. */
const SUMMARY = /^(?:CPU\d+ \(.*\):|Total \(.*\):|Throughput |Events \(|Skips: |Input file )/;

export function isBlkparseLine(line: string): boolean {
  return HEADER.test(line);
}

export function blkparseReader(action: BlkparseAction): LineReader {
  return {
    format: "blkparse",
    hasTimes: true,
    headLines: 0,
    targetNoun: "device",
    expected: '"MAJOR,MINOR CPU SEQUENCE SECONDS.NANOSECONDS PID ACTION RWBS SECTOR + SECTORS [COMMAND]"',
    read(line: string, event: TraceEvent): LineKind | null {
      const header = HEADER.exec(line);
      if (header === null) {
        if (line.trim() === "" || line.startsWith("Input file ")) return "other";
        return SUMMARY.test(line) ? "end" : null;
      }
      if (header[4] !== action) return "other";
      const kind = kindOf(header[5] ?? "");
      if (kind !== "write") return kind;
      const rest = header[6] ?? "";
      const place = PLACE.exec(rest);
      if (place === null) return placeless(rest);
      event.timeNs = Number(header[2]) * 1e9 + Number(header[3]);
      event.target = header[1] ?? "";
      event.offsetBytes = Number(place[1]) * SECTOR_BYTES;
      event.lengthBytes = Number(place[2]) * SECTOR_BYTES;
      return "write";
    },
  };
}

/** A flush without data has just its command or, completed, its error; a command that was passed through to the device shows its bytes: `24 (0a 00 ..) [cmd]`. */
function placeless(rest: string): LineKind | null {
  if (/^(?:\d+ )?\[/.test(rest)) return "sync";
  return /^(?:\d+ )?\(/.test(rest) ? "other" : null;
}

/** RWBS: F for a preflush, then what it is (D may be followed by E for secure erase), then marks such as F for FUA and S for sync. */
function kindOf(rwbs: string): LineKind {
  switch (rwbs.replace(/^F(?=.)/, "").charAt(0)) {
    case "W":
      return "write";
    case "R":
      return "read";
    case "D":
      return "trim";
    case "F":
      return "sync";
    default:
      return rwbs.startsWith("F") ? "sync" : "other";
  }
}
