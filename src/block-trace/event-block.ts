/**
 * A trace's writes in the form in which they are replayed: blocks of 4096 events, in each all sectors, then all times, then all
 * lengths, so that a block is read by one call and copied by column. A file's last block has its full length as well, with nothing of
 * meaning behind its events.
 */
export const BLOCK_EVENTS = 4096;

export interface EventBlock {
  readonly bytes: Uint8Array;
  readonly sector: Float64Array;
  /** From the trace's first write. */
  readonly timeNs: Float64Array;
  readonly sectors: Uint32Array;
}

export const BLOCK_BYTES = BLOCK_EVENTS * (8 + 8 + 4);

export function eventBlock(): EventBlock {
  const buffer = new ArrayBuffer(BLOCK_BYTES);
  return {
    bytes: new Uint8Array(buffer),
    sector: new Float64Array(buffer, 0, BLOCK_EVENTS),
    timeNs: new Float64Array(buffer, BLOCK_EVENTS * 8, BLOCK_EVENTS),
    sectors: new Uint32Array(buffer, BLOCK_EVENTS * 16, BLOCK_EVENTS),
  };
}

/** An open file of such blocks; its descriptor holds in every thread of the process. */
export interface EventFile {
  readonly descriptor: number;
  readonly events: number;
}
