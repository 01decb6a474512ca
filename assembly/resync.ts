/** NEEDED and RESYNC bookkeeping (spec §3.6). */
import {
  COUNTER_PAGE_BYTES,
  COUNTER_PAGE_SHIFT,
  NEEDED,
  RESYNC,
  chunkShift,
  chunks,
  counterPageCount,
  counterPending,
} from "./layout";
import { ENTRY_BIAS, counter, entryOf, firstCounterOf } from "./counters";
import { noteIdle } from "./daemon";

/** Resync goes in pages of 8 sectors. */
const SPAN_SECTORS: u64 = 8;

/** Sectors of the span; negative where it needs resync. */
export function startSync(sector: f64, degraded: bool): f64 {
  const first = u64(sector);
  let sectors: u64 = 0;
  let needed = false;
  while (sectors < SPAN_SECTORS) {
    const at = (first + sectors) >> chunkShift;
    if (at < chunks) needed = startChunk(u32(at), degraded) || needed;
    sectors = ((at + 1) << chunkShift) - first;
  }
  return needed ? -f64(sectors) : f64(sectors);
}

function startChunk(chunk: u32, degraded: bool): bool {
  const word = u16(counter(chunk));
  if (word & RESYNC) return true;
  if (!(word & NEEDED)) return false;
  if (!degraded) storeCounter(chunk, (word & ~NEEDED) | RESYNC);
  return true;
}

/** Returns the sectors to the end of the chunk. */
export function endSync(sector: f64, aborted: bool): f64 {
  const chunk = u32(u64(sector) >> chunkShift);
  let word = u16(counter(chunk));
  if (word & RESYNC) {
    word &= ~RESYNC;
    if (aborted) word |= NEEDED;
    storeCounter(chunk, word);
    if (word <= 2) {
      store<u8>(counterPending + (chunk >> COUNTER_PAGE_SHIFT), 1);
      noteIdle();
    }
  }
  return f64((u64(chunk) + 1) << chunkShift) - sector;
}

export function closeSync(): void {
  const resync = i16x8.splat(RESYNC);
  const two = i16x8.splat(2);
  for (let counterPage: u32 = 0; counterPage < counterPageCount; counterPage++) {
    if (!entryOf(counterPage)) continue;
    const counters = firstCounterOf(counterPage);
    let idle = i16x8.splat(0);
    for (let at = counters, end = counters + COUNTER_PAGE_BYTES; at < end; at += 16) {
      const words = v128.load(at);
      const syncing = i16x8.eq(v128.and(words, resync), resync);
      if (!v128.any_true(syncing)) continue;
      const ended = v128.andnot(words, resync);
      v128.store(at, ended);
      idle = v128.or(idle, v128.and(syncing, i16x8.le_u(ended, two)));
    }
    if (v128.any_true(idle)) {
      store<u8>(counterPending + counterPage, 1);
      noteIdle();
    }
  }
}

/** The counter's page is present: only a word that is not 0 changes here. */
function storeCounter(chunk: u32, word: u16): void {
  store<u16>(chunk * 2 + entryOf(chunk >> COUNTER_PAGE_SHIFT), word, ENTRY_BIAS);
}
