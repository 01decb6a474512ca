/**
 * Chunk counters: 16 bits a chunk, in pages of 2048 that come from a pool at the first write to one of their chunks, so that a huge
 * array costs only what it touches.
 *
 * A table entry is the address that chunk 0's counter would have if the page lay in its natural place, less 2: a chunk's
 * counter is then at `chunk * 2 + entry + 2` without masking (u32 wraps), and 0, the state of fresh memory, means "no page yet".
 */
import { COUNTER_PAGE_BYTES, COUNTER_PAGE_SHIFT, counterPool, counterTable } from "./layout";

/** Added to `chunk * 2 + entry` by loads and stores. */
export const ENTRY_BIAS: usize = 2;

let poolPages: u32 = 0;

export function entryOf(counterPage: u32): u32 {
  return load<u32>(counterTable + (usize(counterPage) << 2));
}

/** The entry of a counter page that is about to be written. */
export function entryForWrite(counterPage: u32): u32 {
  const entry = entryOf(counterPage);
  return entry ? entry : addCounterPage(counterPage);
}

export function addCounterPage(counterPage: u32): u32 {
  const address = <u32>counterPool + poolPages++ * COUNTER_PAGE_BYTES;
  const entry = address - counterPage * COUNTER_PAGE_BYTES - <u32>ENTRY_BIAS;
  store<u32>(counterTable + (usize(counterPage) << 2), entry);
  return entry;
}

/** Address of a present page's first counter. */
export function firstCounterOf(counterPage: u32): usize {
  return entryOf(counterPage) + counterPage * COUNTER_PAGE_BYTES + <u32>ENTRY_BIAS;
}

export function counter(chunk: u32): u32 {
  const entry = entryOf(chunk >> COUNTER_PAGE_SHIFT);
  return entry ? load<u16>(chunk * 2 + entry, ENTRY_BIAS) : 0;
}

export function forgetCounters(tableEntries: u32): void {
  memory.fill(counterPool, 0, usize(poolPages) * COUNTER_PAGE_BYTES);
  memory.fill(counterTable, 0, usize(tableEntries) << 2);
  poolPages = 0;
}
