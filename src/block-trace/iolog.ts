/**
 * fio's I/O logs (`--write_iolog`), version 2 and 3. Version 3 leads each line with a time in microseconds since the start, as
 * fio 3.33 writes and replays it; version 2 has no times. A `wait` of version 2 is skipped, for what it means is in doubt: fio's
 * manual says microseconds since the last `wait`, and fio waits until so many milliseconds of the whole run have passed.
 *
 * Source: fio(1), "TRACE FILE FORMAT".
 */
import type { LineKind, LineReader, TraceEvent } from "./line-reader.js";

const FILE_ACTIONS = "add|open|close";
const EVENT_ACTIONS = "read|write|trim|sync|datasync|sync_file_range|syncfs|wait";
/** A file's name may hold blanks, so the action is found from the line's end. */
const REST = `(.+) (?:(?:${FILE_ACTIONS}|sync|datasync|syncfs)|(${EVENT_ACTIONS}) (\\d+) (\\d+))`;
const NS_A_MICROSECOND = 1000;

const KINDS: Readonly<Record<string, LineKind>> = {
  write: "write",
  read: "read",
  trim: "trim",
  wait: "wait",
};

export function iologReader(version: 2 | 3): LineReader {
  const hasTimes = version === 3;
  const pattern = new RegExp(hasTimes ? `^(\\d+) ${REST}\\s*$` : `^()${REST}\\s*$`);
  const line = `${hasTimes ? "TIME " : ""}FILE`;
  return {
    format: hasTimes ? "fio iolog version 3" : "fio iolog version 2",
    hasTimes,
    headLines: 1,
    targetNoun: "file",
    expected: `"${line} add|open|close" or "${line} read|write|trim|sync|datasync|wait OFFSET LENGTH"`,
    read(text: string, event: TraceEvent): LineKind | null {
      const match = pattern.exec(text);
      if (match === null) return text.trim() === "" ? "other" : null;
      const action = match[3];
      // A file that is added, opened or closed, or a sync without a place.
      if (action === undefined) return /sync\s*$/.test(text) ? "sync" : "other";
      event.timeNs = Number(match[1]) * NS_A_MICROSECOND;
      event.target = match[2] ?? "";
      event.offsetBytes = Number(match[4]);
      event.lengthBytes = Number(match[5]);
      return KINDS[action] ?? "sync";
    },
  };
}
