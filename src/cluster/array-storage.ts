/**
 * A node's way to the members: blocking calls on one member at a time, so that a node's writes have all ended when it
 * gives up its thread. Tests wrap it to let a member fail or the node die at a chosen write.
 *
 * Bitmap pages and superblocks are made durable; data is durable where the options ask for it (design, "Durability").
 */
import { closeSync, constants, fstatSync } from "node:fs";
import { deviceNumber, readBlockDevice } from "../storage/block-device.js";
import { deviceUnderFile } from "../storage/device-under-file.js";
import { flushDescriptor, openDirect, readFullyAt, writeFullyAt } from "../storage/direct-file.js";
import { directMemory } from "../storage/direct-memory.js";
import type { Durability } from "../storage/page-writer.js";
import { SYSTEM_ROOTS } from "../storage/system-roots.js";
import type { PageCause } from "./cluster-event.js";

/** What a write is, for those who watch. */
export type WritePurpose =
  | { readonly kind: "page"; readonly slot: number; readonly page: number; readonly cause: PageCause }
  | { readonly kind: "superblock"; readonly events: number }
  | { readonly kind: "data" }
  /** Data copied from another member. */
  | { readonly kind: "copy" };

/** A member that is open. Each call fails with a SlotmarkError of kind `device` that names member, offset and errno. */
export interface MemberDevice {
  readonly path: string;
  readonly sizeBytes: number;
  readonly logicalBlockBytes: number;
  /** 0 where the device states none. */
  readonly optimalIoBytes: number;
  /** A copy. */
  read(offsetBytes: number, lengthBytes: number): Uint8Array;
  write(offsetBytes: number, bytes: Uint8Array, purpose: WritePurpose): void;
  close(): void;
}

export interface ArrayStorage {
  open(path: string): MemberDevice;
}

/** Thrown by a storage in place of a write: the node is to be dead from here on, without a word to anybody. */
export class NodeDeath extends Error {
  override readonly name = "NodeDeath";
}

export interface ArrayStorageOptions {
  readonly durability?: Durability;
  readonly dataSync?: boolean;
}

const BUFFER_BYTES = 1 << 20;
const LEAST_LOGICAL_BLOCK_BYTES = 512;

/** The members themselves, with O_DIRECT where their filesystem takes it. One for each node. */
export function createArrayStorage(options: ArrayStorageOptions = {}): ArrayStorage {
  const { durability = "preflush-fua", dataSync = false } = options;
  const buffer = directMemory(BUFFER_BYTES);
  return { open: (path) => new OpenMember(path, buffer, durability, dataSync) };
}

class OpenMember implements MemberDevice {
  readonly sizeBytes: number;
  readonly logicalBlockBytes: number;
  readonly optimalIoBytes: number;
  private readonly durable: number;
  private readonly data: number;
  private open = true;

  constructor(
    readonly path: string,
    private readonly buffer: Uint8Array,
    private readonly durability: Durability,
    dataSync: boolean,
  ) {
    const synchronous = (wanted: boolean) => constants.O_RDWR | (wanted ? constants.O_DSYNC : 0);
    this.durable = openDirect(path, synchronous(durability !== "none")).descriptor;
    try {
      this.data = openDirect(path, synchronous(dataSync)).descriptor;
    } catch (error) {
      closeSync(this.durable);
      throw error;
    }
    const status = fstatSync(this.data);
    const device = status.isBlockDevice() ? readBlockDevice(deviceNumber(status.rdev)) : undefined;
    const under = device ?? deviceUnderFile(path, SYSTEM_ROOTS).device;
    this.sizeBytes = device?.sizeBytes ?? status.size;
    this.logicalBlockBytes = under?.logicalBlockBytes ?? LEAST_LOGICAL_BLOCK_BYTES;
    this.optimalIoBytes = device?.optimalIoBytes ?? 0;
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    const block = this.logicalBlockBytes;
    for (let done = 0; done < lengthBytes; ) {
      const from = offsetBytes + done;
      const skipped = from % block;
      const wanted = Math.min(lengthBytes - done, BUFFER_BYTES - skipped);
      const aligned = Math.ceil((skipped + wanted) / block) * block;
      readFullyAt(this.path, this.data, this.buffer, 0, aligned, from - skipped);
      bytes.set(this.buffer.subarray(skipped, skipped + wanted), done);
      done += wanted;
    }
    return bytes;
  }

  write(offsetBytes: number, bytes: Uint8Array, { kind }: WritePurpose): void {
    const durable = kind === "page" || kind === "superblock";
    const descriptor = durable ? this.durable : this.data;
    if (durable && this.durability === "preflush-fua") flushDescriptor(this.path, descriptor);
    for (let done = 0; done < bytes.length; done += BUFFER_BYTES) {
      const piece = bytes.subarray(done, done + BUFFER_BYTES);
      this.buffer.set(piece);
      writeFullyAt(this.path, descriptor, this.buffer, 0, piece.length, offsetBytes + done);
    }
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.durable);
    closeSync(this.data);
  }
}
