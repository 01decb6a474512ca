/**
 * A member of an array as slotmark holds it: a regular file or a block device that has passed the guard and stays open,
 * exclusively, until it is closed. Worker threads open the same path again for their own writes.
 */
import type { SystemRoots } from "./system-roots.js";

export interface Member {
  readonly path: string;
  readonly kind: "file" | "block";
  readonly sizeBytes: number;
  readonly logicalBlockBytes: number;
  /** The device's optimal I/O size, 0 where it states none. */
  readonly optimalIoBytes: number;
  /** Open for reading and writing; O_EXCL on a block device. */
  readonly descriptor: number;
  /** Whether slotmark made this file in this call. */
  readonly created: boolean;
  close(): void;
}

export interface OpenMembersRequest {
  readonly paths: readonly string[];
  /** Paths that `--destroy` repeats: signatures and contents there may be overwritten. */
  readonly destroy: readonly string[];
  /** Read superblock and slots of a clustered member twice, 2 × daemon_sleep + 2 s apart (`--no-watch` is false). */
  readonly watch: boolean;
  /** Length that an absent or empty file is made with (sparse). Absent: such a file is an error. */
  readonly createSizeBytes?: number | undefined;
  /** How much of each member will be written, so that files on a filesystem too full for it are refused beforehand. */
  readonly usedBytes?: number | undefined;
  /** `run` keeps an array found on the members; `create` replaces it only under `--destroy`. */
  readonly existingArray: "keep" | "refuse";
  /** Told what takes time and what cannot be proved; standard error without it. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Ends the watch early; `openMembers` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly roots?: SystemRoots | undefined;
}
