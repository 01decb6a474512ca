/**
 * The generated workload: which sectors a node writes, seeded and reproducible. The plain twin of `assembly/workload.ts`.
 *
 * The array is cut into stripes of 256 blocks of 4 KiB; node k of N owns the stripes s with s mod N = k, so that no two nodes ever
 * write the same sectors. A stripe holds as many aligned writes as fit; these are the node's positions, numbered through.
 * With one node or `overlap` every stripe is the node's own. Inside one plug no position occurs twice.
 */
import { SlotmarkError } from "../errors.js";
import { SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import { RandomLanes, seedLanes } from "./random-lanes.js";
import type { EventRing } from "./slot-bitmap.js";
import { COIN_BITS, type ZipfTable, zipfTable } from "./zipf.js";

export type WorkloadKind = "uniform" | "zipf" | "sequential";

export interface WorkloadOptions {
  readonly kind: WorkloadKind;
  readonly seed: number;
  readonly writeBytes: number;
  /** From the array's start; rounded down to whole writes, at most the array. */
  readonly workingSetBytes: number;
  /** From 0. */
  readonly node: number;
  readonly nodes: number;
  readonly overlap: boolean;
  /** Zipf exponent. */
  readonly theta?: number;
}

/** fio's default exponent. */
export const DEFAULT_THETA = 1.1;
/** What one node has in a row, of generated workloads and of traces. */
export const STRIPE_SECTORS = 2048;

export interface WorkloadPlan {
  readonly kind: WorkloadKind;
  readonly writeSectors: number;
  readonly positions: number;
  /** Positions in one stripe. */
  readonly perStripe: number;
  /** The node's first sector, and the sectors from one of its stripes to the next. */
  readonly firstSector: number;
  readonly stripeStep: number;
  /** State of eight generators, see random-lanes.ts. */
  readonly seeds: Uint32Array;
  /** Scatters zipf ranks over the positions. */
  readonly salt: number;
  readonly zipf: ZipfTable | undefined;
}

/** @throws SlotmarkError `workload-write-size`, `workload-too-small`, `workload-theta` */
export function planWorkload(geometry: SlotGeometry, options: WorkloadOptions): WorkloadPlan {
  const { kind, seed, writeBytes, nodes, node } = options;
  const alone = nodes === 1 || options.overlap;
  const writeSectors = writeBytes / SECTOR_BYTES;
  if (!Number.isInteger(writeSectors) || writeSectors < 1 || (!alone && writeSectors > STRIPE_SECTORS)) {
    throw new SlotmarkError(
      "usage",
      "workload-write-size",
      `a write of ${writeBytes} bytes is not a multiple of ${SECTOR_BYTES} bytes${alone ? "" : " of at most 1M, the stripe that one node owns"}`,
      "choose another --write-size, or use --overlap for large writes of several nodes",
    );
  }
  const stripeSectors = Math.max(STRIPE_SECTORS, writeSectors);
  const perStripe = Math.floor(stripeSectors / writeSectors);
  const sectors = Math.min(Math.floor(options.workingSetBytes / SECTOR_BYTES), geometry.syncSizeSectors);
  const first = alone ? 0 : node;
  const step = alone ? 1 : nodes;
  const whole = Math.floor(sectors / stripeSectors);
  const rest = Math.floor((sectors - whole * stripeSectors) / writeSectors);
  const ownWhole = Math.max(0, Math.ceil((whole - first) / step));
  const positions = ownWhole * perStripe + (whole % step === first ? rest : 0);
  if (positions < 1) {
    throw new SlotmarkError(
      "usage",
      "workload-too-small",
      `a working set of ${sectors * SECTOR_BYTES} bytes leaves node ${node} of ${nodes} no place for a write of ${writeBytes} bytes`,
      `use a working set of at least ${step} MiB, fewer nodes or a smaller --write-size`,
    );
  }
  const theta = options.theta ?? DEFAULT_THETA;
  if (kind === "zipf" && !(theta > 0 && theta < 10)) {
    throw new SlotmarkError(
      "usage",
      "workload-theta",
      `the zipf exponent ${theta} is not between 0 and 10`,
      `use about ${DEFAULT_THETA}, fio's default`,
    );
  }
  const seeds = seedLanes(seed, node);
  return {
    kind,
    writeSectors,
    positions,
    perStripe,
    firstSector: first * stripeSectors,
    stripeStep: step * stripeSectors,
    seeds,
    // All nodes agree on what is hot, as far as their positions are alike.
    salt: mix(seed),
    zipf: kind === "zipf" ? zipfTable(positions, theta) : undefined,
  };
}

/** @throws SlotmarkError `workload-plug` */
export function checkPlug(plan: WorkloadPlan, plug: number): void {
  if (plug <= plan.positions) return;
  throw new SlotmarkError(
    "usage",
    "workload-plug",
    `a plug of ${plug} writes to different sectors does not fit a working set of ${plan.positions} writes`,
    "use a smaller --plug or a larger --working-set",
  );
}

export class Workload {
  private readonly plan: WorkloadPlan;
  private readonly random: RandomLanes;
  private next = 0;

  constructor(geometry: SlotGeometry, options: WorkloadOptions) {
    this.plan = planWorkload(geometry, options);
    this.random = new RandomLanes(this.plan.seeds);
  }

  /** Fills ring events [first, first + count); each `plug` of them, counted from `first`, are different. */
  generate(ring: EventRing, first: number, count: number, plug: number): void {
    const { kind, positions, perStripe, firstSector, stripeStep, writeSectors } = this.plan;
    checkPlug(this.plan, Math.min(plug, count));
    let taken = new Set<number>();
    for (let i = 0; i < count; i++) {
      if (i % plug === 0) taken = new Set();
      // Four events a step of the eight generators.
      if (i % 4 === 0 && kind !== "sequential") this.random.step();
      let position = this.draw(i % 4);
      while (taken.has(position)) position = position + 1 < positions ? position + 1 : 0;
      taken.add(position);
      const stripe = Math.floor(position / perStripe);
      ring.sector[first + i] =
        firstSector + stripe * stripeStep + (position - stripe * perStripe) * writeSectors;
      ring.sectors[first + i] = writeSectors;
    }
  }

  private draw(pair: number): number {
    const { kind, positions, zipf } = this.plan;
    if (kind === "sequential" || (kind === "zipf" && zipf === undefined)) {
      const position = this.next;
      this.next = position + 1 < positions ? position + 1 : 0;
      return position;
    }
    const low = this.random.lane(pair * 2);
    const high = this.random.lane(pair * 2 + 1);
    return zipf === undefined ? Math.floor(unit(high, low) * positions) : this.zipfPosition(zipf, high, low);
  }

  private zipfPosition(zipf: ZipfTable, choice: number, inside: number): number {
    let bucket = choice >>> COIN_BITS;
    if ((choice & (2 ** COIN_BITS - 1)) >= (zipf.threshold[bucket] ?? 0)) bucket = zipf.alias[bucket] ?? 0;
    const rank = (zipf.first[bucket] ?? 0) + Math.floor(inside * 2 ** -32 * (zipf.size[bucket] ?? 0));
    const high = mix((rank ^ mix(Math.floor(rank / 2 ** 32) ^ this.plan.salt)) >>> 0);
    const low = mix(high + 0x9e3779b9);
    return Math.floor(unit(high, low) * this.plan.positions);
  }
}

/** 52 random bits in [0, 1). */
function unit(high: number, low: number): number {
  return high * 2 ** -32 + (low >>> 12) * 2 ** -52;
}

/** Finalizer of MurmurHash3. */
function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}
