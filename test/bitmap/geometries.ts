/** Slot geometries for tests: small enough for the plain definition, with every boundary that the real ones have. */
import fc from "fast-check";
import { type SlotGeometry, slotGeometry } from "../../src/ondisk/slot-geometry.js";

export interface GeometryChoice {
  readonly chunks: number;
  readonly chunkSectors?: number;
  /** Sectors of the last chunk that the array does not have. */
  readonly short?: number;
  readonly logicalBlockBytes?: number;
  readonly variant?: "safe" | "mainline" | "original";
  readonly kernel?: "6.1" | "mainline";
}

export function geometryOf(choice: GeometryChoice): SlotGeometry {
  const chunkSectors = choice.chunkSectors ?? 128;
  const short = Math.min(choice.short ?? 0, chunkSectors - 1);
  return slotGeometry({
    syncSizeSectors: choice.chunks * chunkSectors - short,
    chunkBytes: chunkSectors * 512,
    nodes: 4,
    superOffsetSectors: 8,
    bitmapOffsetSectors: 8,
    dataOffsetSectors: 2 ** 30,
    logicalBlockBytes: choice.logicalBlockBytes ?? 512,
    variant: choice.variant ?? "safe",
    kernel: choice.kernel ?? "mainline",
  });
}

/** One page, its boundary, two and three pages, the boundary of 64 pages is left to single tests. */
const chunkCounts = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 2040, max: 2060 }),
  fc.integer({ min: 30700, max: 30740 }),
  fc.integer({ min: 1, max: 70000 }),
);

export const geometries: fc.Arbitrary<SlotGeometry> = fc
  .record({
    chunks: chunkCounts,
    chunkSectors: fc.constantFrom(1, 2, 4, 8, 16, 128, 8192),
    short: fc.nat(8191),
    logicalBlockBytes: fc.constantFrom(512, 4096),
    variant: fc.constantFrom("safe" as const, "mainline" as const, "original" as const),
    kernel: fc.constantFrom("6.1" as const, "mainline" as const),
  })
  .map(geometryOf);
