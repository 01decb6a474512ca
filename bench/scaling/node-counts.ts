/**
 * What a write costs with many nodes against few, all on the same cores: closed loop, each write alone, md's own daemon_sleep. Every
 * chunk is rewritten before its bit could go, so that both write the same: few bitmap pages, and data. Once through io_uring on files,
 * as a run does it, and once with blocking writes in memory, where nothing but the harness and a copy is left. (In memory through
 * io_uring the kernel hands every write to a thread of its own: with 64 nodes its scheduling is what would be measured.)
 */
import { Cluster } from "../../src/cluster/cluster.js";
import type { PageIo } from "../../src/storage/page-writer.js";
import { interleave } from "../interleave.js";
import { writeSlotSuperblocks } from "../node/bench-member.js";
import { benchGeometry, memberBytes, nodeTask } from "../node/one-node.js";
import { makeSparseMembers, makeWrittenMembers } from "../node/temporary-members.js";
import { type CostRatio, costRatio } from "./cost-ratio.js";

const ARRAY_BYTES = 256 << 20;
const WORKING_SET_BYTES = 256 << 20;
const CHUNK_BYTES = 64 << 10;
const WRITE_BYTES = 4096;
const DAEMON_SLEEP_NS = 5e9;
const WARMUP_NS = 400e6;
const WARM_TRIALS = 6;
const MEASURED_NS = 800e6;
export const FEW_NODES = 4;
export const MANY_NODES = 64;
const LIMIT = 1.3;

export interface NodeCounts extends CostRatio {
  readonly io: PageIo;
  readonly where: "memory" | "files";
}

export const CASES: readonly Pick<NodeCounts, "io" | "where">[] = [
  { io: "uring", where: "files" },
  { io: "psync", where: "memory" },
];

export async function measureNodeCounts(
  rounds: number,
  { io, where }: Pick<NodeCounts, "io" | "where">,
): Promise<NodeCounts> {
  const geometry = benchGeometry(ARRAY_BYTES, CHUNK_BYTES, MANY_NODES);
  const make = where === "memory" ? makeSparseMembers : makeWrittenMembers;
  const members = make(2, memberBytes(geometry));
  writeSlotSuperblocks(members.paths, geometry);
  const clusters = [FEW_NODES, MANY_NODES].map((nodes) => new Cluster(nodes));
  const trial = async (cluster: Cluster): Promise<number> => {
    const work = {
      paths: members.paths,
      geometry,
      workingSetBytes: WORKING_SET_BYTES,
      writeBytes: WRITE_BYTES,
      plug: 1,
      plugs: 0,
      durability: "preflush-fua",
      daemonSleepNs: DAEMON_SLEEP_NS,
    } as const;
    const tasks = Array.from({ length: cluster.nodes }, (_, slot) => ({
      ...nodeTask(work, slot, cluster.nodes),
      io,
      warmupNs: WARMUP_NS,
    }));
    const nodes = await cluster.runTrial(tasks, MEASURED_NS, new AbortController().signal);
    const perNs = (nodes ?? []).reduce((sum, { writes, durationNs }) => sum + writes / durationNs, 0);
    return 1 / perNs;
  };
  try {
    const sides = clusters.map((cluster) => () => trial(cluster));
    // Every page of the members is there then, and every node has compiled what it runs.
    for (let trial = 0; trial < WARM_TRIALS; trial++) for (const side of sides) await side();
    return { io, where, ...costRatio(await interleave(rounds, sides), LIMIT) };
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.close()));
    members.remove();
  }
}
