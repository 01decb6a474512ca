/** The storage of a history's nodes: members that fail, for all nodes or for one, and nodes that die at a chosen write. */
import {
  type ArrayStorage,
  type MemberDevice,
  NodeDeath,
  type WritePurpose,
} from "../../src/cluster/array-storage.js";
import { SlotmarkError } from "../../src/errors.js";
import { BLOCK_BYTES, marked } from "./history-contents.js";
import type { Death } from "./history-plan.js";

/** What is to happen to one node. */
export class NodeFaults {
  death: Death | null = null;
  /** Members that this node does not reach. */
  readonly unreachable = new Set<string>();
  /** Marks of this node's writes under way, by block of the array. */
  readonly marks = new Map<number, number>();
  private seen = 0;

  arm(death: Death): void {
    this.death = death;
    this.seen = 0;
  }

  /** Counts an occurrence; whether the node is to die at it. */
  isLast(kind: Death["at"]): boolean {
    if (this.death?.at !== kind) return false;
    return ++this.seen >= this.death.count;
  }
}

export interface FaultyStorageOptions {
  readonly storage: ArrayStorage;
  readonly faults: NodeFaults;
  /** Members that no node reaches. */
  readonly broken: ReadonlySet<string>;
  readonly dataOffsetBytes: number;
}

export function faultyStorage(options: FaultyStorageOptions): ArrayStorage {
  return {
    open(path) {
      refuseWhereBroken(options, path, "opening");
      return new FaultyDevice(options.storage.open(path), options);
    },
  };
}

class FaultyDevice implements MemberDevice {
  readonly path: string;
  readonly sizeBytes: number;
  readonly logicalBlockBytes: number;
  readonly optimalIoBytes: number;

  constructor(
    private readonly device: MemberDevice,
    private readonly options: FaultyStorageOptions,
  ) {
    this.path = device.path;
    this.sizeBytes = device.sizeBytes;
    this.logicalBlockBytes = device.logicalBlockBytes;
    this.optimalIoBytes = device.optimalIoBytes;
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    refuseWhereBroken(this.options, this.path, "reading");
    return this.device.read(offsetBytes, lengthBytes);
  }

  write(offsetBytes: number, bytes: Uint8Array, purpose: WritePurpose): void {
    const { faults, dataOffsetBytes } = this.options;
    if (faults.isLast(purpose.kind) || faults.isLast("write")) throw new NodeDeath("as the history has it");
    refuseWhereBroken(this.options, this.path, "writing");
    const block = (offsetBytes - dataOffsetBytes) / BLOCK_BYTES;
    const mark = purpose.kind === "data" ? faults.marks.get(block) : undefined;
    this.device.write(offsetBytes, mark === undefined ? bytes : marked(bytes, mark), purpose);
  }

  close(): void {
    this.device.close();
  }
}

function refuseWhereBroken({ broken, faults }: FaultyStorageOptions, path: string, action: string): void {
  if (!broken.has(path) && !faults.unreachable.has(path)) return;
  throw new SlotmarkError(
    "device",
    "member-failed",
    `member ${path}: ${action} failed: input/output error (EIO)`,
    "none in a history",
  );
}
