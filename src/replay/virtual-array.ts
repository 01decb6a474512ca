/**
 * The array that a script describes: its geometry and its nodes, each made when the script first names it. A failed member is failed
 * for all nodes, as the cluster's METADATA_UPDATED makes it, except for a node that the script tells itself when it learns of it.
 */
import type { SlotBitmap } from "../bitmap/slot-bitmap.js";
import {
  type KernelBehaviour,
  type SlotGeometry,
  slotGeometry,
  type Variant,
} from "../ondisk/slot-geometry.js";
import type { PageWrite } from "./page-write.js";
import type { ReplayScript } from "./script.js";
import { SlotImages } from "./slot-images.js";
import { VirtualNode } from "./virtual-node.js";

export type BitmapFactory = (geometry: SlotGeometry, slot: number) => SlotBitmap;

export interface ReplayOptions {
  /** Default safe. */
  readonly variant?: Variant;
  /** Default mainline. */
  readonly kernel?: KernelBehaviour;
  /** Default: the WebAssembly hot path. */
  readonly createBitmap?: BitmapFactory;
}

export const NANOSECONDS = 1e9;

export function nanoseconds(seconds: number): number {
  return Math.round(seconds * NANOSECONDS);
}

/** Names of the members; a count gives "0", "1" and so on. */
export function memberNames(script: ReplayScript): readonly string[] {
  const { members } = script.geometry;
  return typeof members === "number" ? Array.from({ length: members }, (_, i) => String(i)) : members;
}

export function scriptGeometry(script: ReplayScript, options: ReplayOptions = {}): SlotGeometry {
  return slotGeometry({
    ...script.geometry,
    variant: options.variant ?? "safe",
    kernel: options.kernel ?? "mainline",
  });
}

/** An array of fewer than two nodes has no cluster: one node, slot 0, and md's safe mode. */
export function isClustered(script: ReplayScript): boolean {
  return script.geometry.nodes > 1;
}

/** A start value that is one for all nodes or one for each. */
export function startOf<T extends number | boolean>(
  value: T | Record<string, T> | undefined,
  node: number,
  otherwise: T,
): T {
  if (value === undefined) return otherwise;
  return typeof value === "object" ? (value[node] ?? otherwise) : value;
}

export class VirtualArray {
  /** Page writes issued and not yet taken by the caller. */
  readonly issued: PageWrite[] = [];
  readonly geometry: SlotGeometry;
  private readonly disk: SlotImages;
  private readonly names: readonly string[];
  private readonly made = new Map<number, VirtualNode>();

  constructor(
    private readonly script: ReplayScript,
    private readonly createBitmap: BitmapFactory,
    options: ReplayOptions,
  ) {
    this.geometry = scriptGeometry(script, options);
    this.names = memberNames(script);
    this.disk = new SlotImages(this.geometry);
    for (const [slot, ranges] of Object.entries(script.start?.dirtyChunks ?? {})) {
      for (const [first, last] of ranges) this.disk.setBits(Number(slot), first, last);
    }
  }

  takeIssued(): PageWrite[] {
    return this.issued.splice(0);
  }

  node(slot: number): VirtualNode {
    const made = this.made.get(slot);
    if (made !== undefined) return made;
    const start = this.script.start ?? {};
    const node = new VirtualNode(
      slot,
      this.createBitmap(this.geometry, slot),
      this.script.memberOrder?.[slot] ?? this.names,
      {
        events: startOf(start.events, slot, 0),
        eventsCleared: startOf(start.eventsCleared, slot, 0),
        dirty: (start.dirtyChunks?.[slot] ?? []).length > 0,
      },
      this.issued,
      this.disk,
    );
    this.made.set(slot, node);
    return node;
  }
}
