/**
 * Latencies of the embedded lock manager, measured inside native code: `measureLocks` for one configuration.
 */
import { availableParallelism } from "node:os";
import { SlotmarkError } from "../errors.js";
import { loadAddon, type NativeMeasuredLocks } from "./addon.js";
import { type LockMode, modeOf } from "./lock-mode.js";

export const MOST_MEASURED_NODES = 64;

/**
 * request, convert, unlock: from the call to the completion in the caller's thread.
 * handOver: EX going round all nodes, from the start of its release to the moment at which the next holder's thread goes
 * on; to be held against `floors.futexNs` or `spinNs`. release: the releasing conversion EX→NL itself, with its wake-up.
 */
export type LockOperation = "request" | "convert" | "unlock" | "handOver" | "release";

export interface MeasureLocksOptions {
  /** 1: uncontended. 2 to 64: so many nodes, each on a native thread of its own, want one resource. */
  readonly nodes: number;
  /** Whether every operation carries a value block (VALBLK). */
  readonly valueBlock: boolean;
  /** What threads do that wait. `spin` needs a core for each node. */
  readonly waiting: "spin" | "sleep";
  /** `busy`: every core is kept from idling meanwhile. `idle`: nothing of slotmark's does. */
  readonly cores: "busy" | "idle";
  /** Time of the whole measurement, floors included. */
  readonly timeMs: number;
  /** Most samples of each series. Default 10,000. */
  readonly samples?: number;
  /** Ends it early; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Samples of one operation, as `LockMeasurement.series` lists them. */
export interface LockSeries {
  readonly operation: LockOperation;
  /** The mode held before; null for a request. */
  readonly from: LockMode | null;
  /** The mode asked for; null for an unlock. */
  readonly to: LockMode | null;
  /** Nodes that first had to give up a lock in the way, each told so by a blocking callback; 0 where nobody was. */
  readonly blockers: number;
  /**
   * One number a sample, in nanoseconds, in the order taken; whole numbers, to be recorded in a histogram as they are. Each
   * includes one reading of the clock (`floors.clockNs`), which an uncontended operation is not much above.
   */
  readonly latenciesNs: Float64Array;
}

/** What nothing on this machine can be faster than, measured in turns with the series, under the same conditions. */
export interface LockFloors {
  /** One reading of the clock; a mean for each round. */
  readonly clockNs: Float64Array;
  /** One lock and unlock of a mutex and one look-up in a hash table; a mean for each round. Empty where nodes > 1. */
  readonly mutexAndLookupNs: Float64Array;
  /** A turn handed to a thread that sleeps on a futex; one number a turn. */
  readonly futexNs: Float64Array;
  /** A turn handed to a thread that spins; one number a turn. Empty on a machine with one core. */
  readonly spinNs: Float64Array;
}

export interface LockMeasurement {
  readonly nodes: number;
  readonly valueBlock: boolean;
  readonly waiting: "spin" | "sleep";
  readonly cores: "busy" | "idle";
  /**
   * nodes = 1: request and unlock in all six modes, and all 36 conversions. More: handOver, release, and every request and
   * conversion that can be in another's way, with the blocking callbacks that it causes.
   */
  readonly series: readonly LockSeries[];
  readonly floors: LockFloors;
}

/**
 * Measures one configuration on native threads; this thread stays free. Run one at a time: it wants the cores for itself.
 * @throws SlotmarkError `measure-nodes`, `measure-time`, `measure-spin` (input) for options out of range
 */
export async function measureLocks(options: MeasureLocksOptions): Promise<LockMeasurement> {
  check(options);
  options.signal?.throwIfAborted();
  const { nodes, valueBlock, waiting, cores, timeMs, samples = 10_000, signal } = options;
  const measured = await new Promise<NativeMeasuredLocks>((resolve, reject) => {
    const stop = () => measurement.stop();
    const measurement = new (loadAddon().LockMeasurement)(
      nodes,
      valueBlock,
      waiting === "spin",
      cores === "busy",
      timeMs,
      samples,
      () => {
        signal?.removeEventListener("abort", stop);
        try {
          const result = measurement.take();
          if (result !== null) resolve(result);
        } catch (error) {
          reject(error);
        }
      },
    );
    signal?.addEventListener("abort", stop, { once: true });
  });
  signal?.throwIfAborted();
  const series = measured.series.map((one) => ({
    operation: one.operation,
    from: modeOf(one.from),
    to: modeOf(one.to),
    blockers: one.blockers,
    latenciesNs: one.latenciesNs,
  }));
  const { clockNs, mutexAndLookupNs, futexNs, spinNs } = measured;
  const floors = { clockNs, mutexAndLookupNs, futexNs, spinNs };
  return { nodes, valueBlock, waiting, cores, series, floors };
}

function check({ nodes, waiting, timeMs, samples = 1 }: MeasureLocksOptions): void {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MOST_MEASURED_NODES) {
    throw new SlotmarkError(
      "input",
      "measure-nodes",
      `locks cannot be measured with ${String(nodes)} nodes`,
      `Use 1 (uncontended) to ${MOST_MEASURED_NODES} nodes.`,
    );
  }
  if (!(timeMs > 0 && timeMs <= 3_600_000) || !Number.isInteger(samples) || samples < 1) {
    throw new SlotmarkError(
      "input",
      "measure-time",
      `locks cannot be measured for ${String(timeMs)} ms with ${String(samples)} samples`,
      "Use a time of up to an hour and at least one sample.",
    );
  }
  if (waiting === "spin" && nodes > availableParallelism()) {
    throw new SlotmarkError(
      "input",
      "measure-spin",
      `${nodes} spinning threads on ${availableParallelism()} cores measure the scheduler, not the locks`,
      "Use as many nodes as there are cores, or let waiting threads sleep.",
    );
  }
}
