/**
 * What a figure depends on besides slotmark: machine, kernel, devices, load. It travels with every result. What the machine
 * does not tell is null: never a guess.
 */
import { z } from "zod";

const known = z.string().min(1).nullable();

export const blockDeviceSchema = z.strictObject({
  name: z.string().min(1).describe("Kernel name of the disk, not of a partition on it: nvme0n1"),
  model: known,
  rotational: z.boolean().nullable(),
  scheduler: known.describe("The scheduler in use: none, mq-deadline, …"),
  writeCache: known.describe("write back or write through"),
  fua: z
    .boolean()
    .nullable()
    .describe("Whether it writes with forced unit access; else the kernel flushes instead"),
  logicalBlockBytes: z.int().positive().nullable(),
  physicalBlockBytes: z.int().positive().nullable(),
  backingFile: known.describe("The file behind a loop device"),
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
  filesystem: filesystemSchema.nullable().describe("Of a file: the filesystem that holds it"),
  device: blockDeviceSchema.nullable().describe("The disk under it, where there is one (tmpfs has none)"),
});

const share = z.number().min(0).max(1);

export const disturbanceSchema = z.strictObject({
  otherCpuShare: share.describe("Of all cores' time during the run: what others than this process used"),
  stolenCpuShare: share.describe("Of all cores' time during the run: what the hypervisor gave to others"),
  throttleEvents: z
    .int()
    .nonnegative()
    .nullable()
    .describe("How often cores were slowed down for heat; null where the machine does not count"),
});

export const environmentSchema = z.strictObject({
  hostname: z.string(),
  cpu: z.strictObject({
    model: known,
    cores: z.int().positive(),
    governor: known.describe(
      "Frequency governors in use; null where the machine (often a virtual one) shows none",
    ),
  }),
  kernel: z.string().min(1),
  hypervisor: z.string().min(1).describe("none on bare metal, else its name, or unnamed"),
  memoryBytes: z.int().positive(),
  load: z
    .tuple([z.number(), z.number(), z.number()])
    .describe("Load averages over 1, 5 and 15 minutes when the run began"),
  node: z.string().min(1),
  members: z.array(memberEnvironmentSchema),
  disturbance: disturbanceSchema
    .optional()
    .describe("What else happened while the run measured; absent where nobody watched"),
});

export type Environment = z.infer<typeof environmentSchema>;
export type Disturbance = z.infer<typeof disturbanceSchema>;
export type MemberEnvironment = z.infer<typeof memberEnvironmentSchema>;
export type BlockDeviceEnvironment = z.infer<typeof blockDeviceSchema>;
export type Filesystem = z.infer<typeof filesystemSchema>;
