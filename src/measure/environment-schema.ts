/**
 * What a figure depends on besides slotmark: machine, kernel, devices, load. It travels with every result. What the machine
 * does not tell is null: never a guess.
 */
import { z } from "zod";

const known = z.string().min(1).nullable();

export const blockDeviceSchema = z.strictObject({
  /** Kernel name of the disk, not of a partition on it: `nvme0n1`. */
  name: z.string().min(1),
  model: known,
  rotational: z.boolean().nullable(),
  /** The scheduler in use: `none`, `mq-deadline`, … */
  scheduler: known,
  /** `write back` or `write through`. */
  writeCache: known,
  /** Whether the device writes with forced unit access; without it the kernel flushes instead. */
  fua: z.boolean().nullable(),
  logicalBlockBytes: z.int().positive().nullable(),
  physicalBlockBytes: z.int().positive().nullable(),
  /** The file behind a loop device. */
  backingFile: known,
});

export const filesystemSchema = z.strictObject({
  type: z.string().min(1),
  source: z.string().min(1),
  mountPoint: z.string().min(1),
  options: z.string(),
});

export const memberEnvironmentSchema = z.strictObject({
  path: z.string().min(1),
  kind: z.enum(["file", "block"]),
  /** Of a file: the filesystem that holds it. */
  filesystem: filesystemSchema.nullable(),
  /** The disk under it, where there is one (tmpfs has none). */
  device: blockDeviceSchema.nullable(),
});

export const environmentSchema = z.strictObject({
  hostname: z.string(),
  cpu: z.strictObject({
    model: known,
    cores: z.int().positive(),
    /** Frequency governors in use, sorted, comma-separated; null where the machine (often a virtual one) shows none. */
    governor: known,
  }),
  kernel: z.string().min(1),
  /** `none` on bare metal, else its name as far as it tells one. */
  hypervisor: z.string().min(1),
  memoryBytes: z.int().positive(),
  /** Load averages over 1, 5 and 15 minutes when the run began. */
  load: z.tuple([z.number(), z.number(), z.number()]),
  node: z.string().min(1),
  members: z.array(memberEnvironmentSchema),
});

export type Environment = z.infer<typeof environmentSchema>;
export type MemberEnvironment = z.infer<typeof memberEnvironmentSchema>;
export type BlockDeviceEnvironment = z.infer<typeof blockDeviceSchema>;
export type Filesystem = z.infer<typeof filesystemSchema>;
