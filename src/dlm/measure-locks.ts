/**
 * Latencies of the embedded lock manager, measured inside native code: `measureLocks` for one configuration.
 */
import { loadAddon } from "./addon.js";
import { type LockMode, modeOf } from "./lock-mode.js";
import { checkMeasured, type MeasuredCores, type MeasuredWaiting, resultOf } from "./measurement.js";

/**
 * request, convert, unlock: from the call to the completion in the caller's thread; where others wait for the lock that is
 * given up (`waiters`), the call grants theirs and wakes them.
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
  readonly waiting: MeasuredWaiting;
  /** `busy`: every core is kept from idling meanwhile. `idle`: nothing of slotmark's does. */
  readonly cores: MeasuredCores;
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
  /** Nodes that waited for the lock to be given up and get theirs by it; 0 where nobody did. */
  readonly waiters: number;
  /**
   * One number a sample, in nanoseconds, in the order taken; whole numbers, to be recorded in a histogram as they are. Each
   * includes one reading of the clock (`floors.clockNs`), which an uncontended operation is not much above.
   */
  readonly latenciesNs: Float64Array;
}

/**
 * What nothing on this machine can be faster than, measured in turns with the series, under the same conditions. A turn is
 * handed from one core to another, where there are two; so are the nodes of the series, round and round.
 */
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
  readonly waiting: MeasuredWaiting;
  readonly cores: MeasuredCores;
  /**
   * nodes = 1: request and unlock in all six modes, and all 36 conversions. More: handOver, release, every request and
   * conversion that others can be in the way of, with the blocking callbacks that it causes, and every unlock and
   * conversion that others can wait for: all but those of NL and those to the mode held.
   */
  readonly series: readonly LockSeries[];
  readonly floors: LockFloors;
}

/**
 * Measures one configuration on native threads; this thread stays free. Run one at a time: it wants the cores for itself.
 * @throws SlotmarkError `measure-nodes`, `measure-time`, `measure-spin` (input) for options out of range
 */
export async function measureLocks(options: MeasureLocksOptions): Promise<LockMeasurement> {
  checkMeasured(options, 1);
  const { nodes, valueBlock, waiting, cores, timeMs, samples = 10_000, signal } = options;
  const measured = await resultOf(
    (notify) =>
      new (loadAddon().LockMeasurement)(
        nodes,
        valueBlock,
        waiting === "spin",
        cores === "busy",
        timeMs,
        samples,
        notify,
      ),
    signal,
  );
  const series = measured.series.map((one) => ({
    operation: one.operation,
    from: modeOf(one.from),
    to: modeOf(one.to),
    blockers: one.blockers,
    waiters: one.waiters,
    latenciesNs: one.latenciesNs,
  }));
  const { clockNs, mutexAndLookupNs, futexNs, spinNs } = measured;
  const floors = { clockNs, mutexAndLookupNs, futexNs, spinNs };
  return { nodes, valueBlock, waiting, cores, series, floors };
}
