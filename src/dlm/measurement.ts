/**
 * What measurements on native threads have in common: their conditions, and the way to their result.
 */
import { availableParallelism } from "node:os";
import { SlotmarkError } from "../errors.js";
import type { NativeMeasurement } from "./addon.js";

export const MOST_MEASURED_NODES = 64;

/** What threads do that wait. A wake-up from sleep costs 2 to 30 µs; spinning needs a core for each node. */
export type MeasuredWaiting = "spin" | "sleep";

/**
 * `busy`: every core is kept from idling meanwhile. `idle`: nothing of slotmark's does, so that a wake-up may have to wake a
 * core as well.
 */
export type MeasuredCores = "busy" | "idle";

interface Conditions {
  readonly nodes: number;
  readonly waiting?: string;
  readonly timeMs: number;
  readonly samples?: number;
}

/** @throws SlotmarkError `measure-nodes`, `measure-time`, `measure-spin` (input) for options out of range */
export function checkMeasured(conditions: Conditions, fewestNodes: number): void {
  const { nodes, waiting, timeMs, samples = 1 } = conditions;
  if (!Number.isInteger(nodes) || nodes < fewestNodes || nodes > MOST_MEASURED_NODES) {
    throw new SlotmarkError(
      "input",
      "measure-nodes",
      `this cannot be measured with ${String(nodes)} nodes`,
      `Use ${fewestNodes} to ${MOST_MEASURED_NODES} nodes.`,
    );
  }
  if (!(timeMs > 0 && timeMs <= 3_600_000) || !Number.isInteger(samples) || samples < 1) {
    throw new SlotmarkError(
      "input",
      "measure-time",
      `nothing can be measured in ${String(timeMs)} ms with ${String(samples)} samples`,
      "Use a time of up to an hour and at least one sample.",
    );
  }
  if (waiting === "spin" && nodes > availableParallelism()) {
    throw new SlotmarkError(
      "input",
      "measure-spin",
      `${nodes} spinning threads on ${availableParallelism()} cores would measure the scheduler`,
      "Use as many nodes as there are cores, or let waiting threads sleep.",
    );
  }
}

/**
 * Starts a measurement and resolves to its result; rejects with the signal's reason once that has ended it.
 * @param start gets the function that the addon calls when it is over
 */
export async function resultOf<T>(
  start: (notify: () => void) => NativeMeasurement<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const result = await new Promise<T>((resolve, reject) => {
    const stop = () => measurement.stop();
    const measurement = start(() => {
      signal?.removeEventListener("abort", stop);
      try {
        const taken = measurement.take();
        if (taken !== null) resolve(taken);
      } catch (error) {
        reject(error);
      }
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
  signal?.throwIfAborted();
  return result;
}
