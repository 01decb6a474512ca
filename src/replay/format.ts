/** Page writes as text, in pieces large enough to write at once: CSV, or one JSON array. Fixed decimals, so the same bytes everywhere. */
import type { PageWrite } from "./page-write.js";

const COLUMNS = "timeSeconds,node,member,slot,page,sector,sectors,cause\n";
const TIME_DECIMALS = 6;
const PIECE_CHARACTERS = 65536;

export function* asCsv(writes: Iterable<PageWrite>): Generator<string> {
  let piece = COLUMNS;
  for (const { timeSeconds, node, member, slot, page, sector, sectors, cause } of writes) {
    const time = timeSeconds.toFixed(TIME_DECIMALS);
    piece += `${time},${node},${quoted(member)},${slot},${page},${sector},${sectors},${cause}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

export function* asJson(writes: Iterable<PageWrite>): Generator<string> {
  let piece = "[";
  let separator = "\n";
  for (const write of writes) {
    const timeSeconds = Number(write.timeSeconds.toFixed(TIME_DECIMALS));
    piece += separator + JSON.stringify({ ...write, timeSeconds });
    separator = ",\n";
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}\n]\n`;
}

/** A CSV field: quoted where it must be (RFC 4180). */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
