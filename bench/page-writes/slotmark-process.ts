/** slotmark's side in a process of its own: `slotmark-process.js OPTIONS` writes at the offsets that each message brings, and answers. */
import type { Cost } from "../interleave.js";
import { openSlotmarkSide, type SlotmarkOptions } from "./slotmark-side.js";

export type Answer = { readonly cost: Cost } | { readonly error: string };

const options: SlotmarkOptions = JSON.parse(process.argv[2] ?? "");
const side = openSlotmarkSide(options);
process.on("message", (offsetsBytes: Float64Array) => {
  let answer: Answer;
  try {
    answer = { cost: side.write(offsetsBytes) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.send?.(answer);
});
process.once("disconnect", () => side.close());
