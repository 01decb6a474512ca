/** Indices of `entries` by time; entries of one time keep the order in which the script gives them. */
export function inTimeOrder(entries: readonly { readonly atSeconds: number }[]): Uint32Array {
  const order = new Uint32Array(entries.length);
  let sorted = true;
  let last = 0;
  for (const [index, { atSeconds }] of entries.entries()) {
    order[index] = index;
    if (atSeconds < last) sorted = false;
    last = atSeconds;
  }
  const at = (index: number) => entries[index]?.atSeconds ?? 0;
  return sorted ? order : order.sort((a, b) => at(a) - at(b) || a - b);
}
