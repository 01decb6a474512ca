/** What a write costs on a very large array against a large one: the same working set and chunk, with daemon passes. */
import { interleave } from "../interleave.js";
import { benchGeometry, memberBytes, openOneNode } from "../node/one-node.js";
import { makeSparseMembers } from "../node/temporary-members.js";
import { type CostRatio, costRatio } from "./cost-ratio.js";

export const LARGE_TIB = 1;
export const VERY_LARGE_TIB = 100;
const TEBIBYTE = 2 ** 40;
const WORKING_SET_BYTES = 256 << 20;
const CHUNK_BYTES = 64 << 10;
const WRITE_BYTES = 4096;
const DAEMON_SLEEP_NS = 100e6;
const SAMPLE_WRITES = 24_000;
const PLUG = 8;
/** "No more": what two measurements of one thing may differ by. */
const LIMIT = 1.05;

export async function measureArraySizes(rounds: number): Promise<CostRatio> {
  const geometries = [LARGE_TIB, VERY_LARGE_TIB].map((size) =>
    benchGeometry(size * TEBIBYTE, CHUNK_BYTES, 1),
  );
  const members = makeSparseMembers(2, Math.max(...geometries.map(memberBytes)));
  try {
    const nodes = geometries.map((geometry) =>
      openOneNode({
        paths: members.paths,
        geometry,
        workingSetBytes: WORKING_SET_BYTES,
        writeBytes: WRITE_BYTES,
        plug: PLUG,
        plugs: SAMPLE_WRITES / PLUG,
        durability: "preflush-fua",
        daemonSleepNs: DAEMON_SLEEP_NS,
      }),
    );
    const sides = nodes.map((node) => () => 1e9 / node.run().perSecond);
    for (const side of sides) side();
    const samples = await interleave(rounds, sides);
    for (const node of nodes) node.close();
    return costRatio(samples, LIMIT);
  } finally {
    members.remove();
  }
}
