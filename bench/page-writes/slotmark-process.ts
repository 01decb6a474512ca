/**
 * slotmark's side in a process of its own: `slotmark-process.js OPTIONS` makes everything ready and says so when it has been sent the
 * offsets; at the next message it writes there, and answers what that took.
 */
import { once } from "node:events";
import type { Cost } from "../interleave.js";
import { openSlotmarkSide, type SlotmarkOptions } from "./slotmark-side.js";

export type Answer = { readonly opened: true } | { readonly cost: Cost } | { readonly error: string };

function answer(text: Answer): void {
  process.send?.(text);
}

const options: SlotmarkOptions = JSON.parse(process.argv[2] ?? "");
try {
  const [offsetsBytes]: [Float64Array] = (await once(process, "message")) as [Float64Array];
  const side = openSlotmarkSide(options);
  process.once("disconnect", () => side.close());
  const write = side.prepare(offsetsBytes);
  const start = once(process, "message");
  answer({ opened: true });
  await start;
  answer({ cost: write() });
} catch (error) {
  answer({ error: String(error) });
}
