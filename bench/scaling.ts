/**
 * Does the harness scale? What a write costs with 64 nodes against 4 on this machine's cores, and on 100 TiB against 1 TiB; how long
 * `slotmark run` takes from its start to the first write of the warm-up. About four minutes;
 * `--rounds` makes it shorter.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { LARGE_TIB, measureArraySizes, VERY_LARGE_TIB } from "./scaling/array-sizes.js";
import type { CostRatio } from "./scaling/cost-ratio.js";
import { CASES, FEW_NODES, MANY_NODES, measureNodeCounts, type NodeCounts } from "./scaling/node-counts.js";
import { measureStartUp, type StartUp } from "./scaling/start-up.js";
import { writeBenchmarkResult } from "./write-result.js";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, out: { type: "string" } },
});
const rounds = Number(options.rounds);

const costLine = (what: string, { microseconds, ratio, limit, reached }: CostRatio): string =>
  [
    what.padEnd(30),
    `${microseconds.base.median.toFixed(2)} and ${microseconds.scaled.median.toFixed(2)} us a write`,
    `ratio ${ratio.median.toFixed(3)} [${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}], limit ${limit}`,
    reached ? "reached" : "missed",
  ].join("  ");

const startLine = ({ nodes, seconds, limitSeconds, reached }: StartUp): string =>
  [
    `start-up, ${nodes} nodes`.padEnd(30),
    `${seconds.median.toFixed(3)} s [${seconds.q1.toFixed(3)}, ${seconds.q3.toFixed(3)}], limit ${limitSeconds} s`,
    reached ? "reached" : "missed",
  ].join("  ");

console.log(
  `On ${availableParallelism()} cores, ${rounds} rounds in turn. Ratios with the 95 % interval of their median; start-up with quartiles.`,
);
const nodeCounts: NodeCounts[] = [];
for (const one of CASES) {
  const counts = await measureNodeCounts(rounds, one);
  nodeCounts.push(counts);
  console.log(costLine(`${FEW_NODES}, ${MANY_NODES} nodes, ${one.io}, ${one.where}`, counts));
}
const arraySizes = await measureArraySizes(rounds);
console.log(costLine(`${LARGE_TIB} and ${VERY_LARGE_TIB} TiB`, arraySizes));
const startUps: StartUp[] = [];
for (const [nodes, limitSeconds] of [
  [FEW_NODES, 0.5],
  [MANY_NODES, 3],
] as const) {
  const startUp = await measureStartUp(nodes, rounds, limitSeconds);
  startUps.push(startUp);
  console.log(startLine(startUp));
}
const figures = { cores: availableParallelism(), rounds, nodeCounts, arraySizes, startUps };
console.log(writeBenchmarkResult("scaling", figures, { path: options.out }));
