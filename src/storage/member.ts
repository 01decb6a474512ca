/**
 * A member of an array as slotmark holds it: a regular file or a block device that has passed the guard and stays open,
 * exclusively, until it is closed. Worker threads open the same path again for their own writes.
 */
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
  /** Length that an absent file is made with (sparse). Absent: an absent file is an error. */
  readonly createSizeBytes?: number;
  /** `run` keeps an array found on the members; `create` replaces it only under `--destroy`. */
  readonly existingArray: "keep" | "refuse";
}
