/**
 * A replay's script as its author writes it (cli.md, replay): the shape of the JSON, field by field. What one field cannot say alone
 * (a write beyond the array, an end without its start) is `script-rules.ts`'s.
 */
import { z } from "zod";

/** Virtual time is whole nanoseconds in a double: exact up to 104 days. */
const LAST_SECOND = 9_000_000;
const MOST_NODES = 64;

const seconds = z.number().min(0).max(LAST_SECOND);
const sector = z.number().int().min(0);
const node = z.number().int().min(0);
const memberName = z.string().min(1);
const powerOfTwo = (message: string) => z.number().refine((n) => Number.isInteger(Math.log2(n)), message);

const geometry = z.strictObject({
  syncSizeSectors: z.number().int().min(1),
  chunkBytes: powerOfTwo("must be a power of two such as 65536").min(512),
  /** 0 or 1: an array without a cluster. */
  nodes: z.number().int().min(0).max(MOST_NODES),
  members: z.union([z.array(memberName).min(1), z.number().int().min(1).max(1024)], {
    error: "must be an array of names or a count",
  }),
  superOffsetSectors: sector,
  bitmapOffsetSectors: z.number().int(),
  dataOffsetSectors: sector,
  logicalBlockBytes: powerOfTwo("must be a power of two from 512 to 4096").min(512).max(4096),
  daemonSleepSeconds: z.number().positive().max(LAST_SECOND),
});

const nodeNumber = z.string().regex(/^\d+$/, "must be a node number");
const count = z.number().int().min(0);
/** One value for all nodes, or one for each node number. */
const perNode = <T extends z.ZodType>(value: T, what: string) =>
  z.union([value, z.record(z.string().regex(/^\d+$/), value)], {
    error: `must be ${what}, or an object of ${what} by node number`,
  });

const start = z.strictObject({
  eventsCleared: perNode(count, "a count").optional(),
  events: perNode(count, "a count").optional(),
  active: perNode(z.boolean(), "true or false").optional(),
  /** By slot: inclusive ranges of chunks whose bits are set on disk. A node that runs has loaded them. */
  dirtyChunks: z.record(nodeNumber, z.array(z.tuple([count, count]))).optional(),
});

const appWrite = z.strictObject({
  node,
  atSeconds: seconds,
  offsetBytes: z.number().int().min(0).multipleOf(512),
  lengthBytes: z.number().int().min(512).multipleOf(512),
  submit: z.enum(["sync", "batch"]).optional(),
  depthGroup: z.union([z.number(), z.string()], { error: "must be a number or a string" }).optional(),
  durationSeconds: seconds.optional(),
});

const at = { node, atSeconds: seconds };
const moment = z.strictObject(at);

const span = { sector, sectors: z.number().int().min(1).max(0xffffffff) };
const event = z.discriminatedUnion(
  "op",
  [
    z.strictObject({ ...at, op: z.literal("startWrite"), ...span }),
    z.strictObject({ ...at, op: z.literal("endWrite"), ...span, failed: z.boolean().optional() }),
    z.strictObject({ ...at, op: z.literal("unplug") }),
    z.strictObject({ ...at, op: z.literal("pass"), needSync: z.boolean().optional() }),
    z.strictObject({ ...at, op: z.literal("wake") }),
    z.strictObject({ ...at, op: z.literal("bitmapSuper") }),
    z.strictObject({ ...at, op: z.literal("load") }),
    z.strictObject({
      ...at,
      op: z.literal("startSync"),
      sector: sector.optional(),
      sectors: z.number().int().min(1).optional(),
      degraded: z.boolean().optional(),
    }),
    z.strictObject({
      ...at,
      op: z.literal("endSync"),
      sector: sector.optional(),
      sectors: z.number().int().min(1).optional(),
      aborted: z.boolean().optional(),
    }),
    z.strictObject({ ...at, op: z.literal("closeSync") }),
    z.strictObject({ ...at, op: z.literal("fail"), member: memberName }),
    z.strictObject({ ...at, op: z.literal("activate"), member: memberName }),
    z.strictObject({ ...at, op: z.literal("stop") }),
    z.strictObject({ ...at, op: z.literal("writeAll") }),
    z.strictObject({
      ...at,
      op: z.literal("copyFromSlot"),
      slot: node,
      clear: z.boolean().optional(),
    }),
  ],
  {
    error: () =>
      "must be startWrite, endWrite, unplug, pass, wake, bitmapSuper, load, startSync, endSync, closeSync, fail, activate, stop, writeAll or copyFromSlot",
  },
);

export const replayScriptSchema = z.strictObject({
  geometry,
  memberOrder: z.record(nodeNumber, z.array(memberName)).optional(),
  start: start.optional(),
  untilSeconds: seconds,
  writes: z.array(appWrite).optional(),
  wakes: z.array(moment).optional(),
  stops: z.array(moment).optional(),
  events: z.array(event).optional(),
});

export type ReplayScript = z.infer<typeof replayScriptSchema>;
export type AppWrite = z.infer<typeof appWrite>;
export type Moment = z.infer<typeof moment>;
export type MdCall = z.infer<typeof event>;

/** A valid script, shown to whoever wrote an invalid one. */
export const SAMPLE_SCRIPT = JSON.stringify({
  geometry: {
    syncSizeSectors: 2093056,
    chunkBytes: 65536,
    nodes: 2,
    members: ["vda", "vdb"],
    superOffsetSectors: 8,
    bitmapOffsetSectors: 8,
    dataOffsetSectors: 4096,
    logicalBlockBytes: 512,
    daemonSleepSeconds: 5,
  },
  untilSeconds: 60,
  writes: [{ node: 0, atSeconds: 0, offsetBytes: 6553600, lengthBytes: 4096 }],
  wakes: [{ node: 0, atSeconds: 40 }],
} satisfies ReplayScript);
