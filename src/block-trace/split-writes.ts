/**
 * Who replays which part of a write. Node k of N has the stripes s with s mod N = k, as generated workloads do, and of each write the
 * parts in them: together the nodes write what the trace writes, and no two of them ever the same sectors. With `overlap` each write
 * is dealt to the next node as a whole. A part is no longer than a stripe.
 */
export interface SplitOptions {
  readonly nodes: number;
  readonly overlap: boolean;
  readonly stripeSectors: number;
}

export interface WritePart {
  readonly node: number;
  readonly sector: number;
  readonly sectors: number;
}

/** Parts of the trace's `index`-th write, ascending. */
export function* splitWrite(
  { nodes, overlap, stripeSectors }: SplitOptions,
  index: number,
  sector: number,
  sectors: number,
): Generator<WritePart> {
  const end = sector + sectors;
  const whole = overlap || nodes === 1;
  for (let from = sector; from < end; ) {
    const stripe = Math.floor(from / stripeSectors);
    const to = Math.min(end, whole ? from + stripeSectors : (stripe + 1) * stripeSectors);
    yield { node: whole ? index % nodes : stripe % nodes, sector: from, sectors: to - from };
    from = to;
  }
}
