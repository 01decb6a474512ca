/**
 * What the harness itself costs: a node of a run (events, counters, bits, pages, latencies in JavaScript, WASM and Rust) against a
 * bare Rust loop that submits the same batches of the same writes with the same flags, and hears of data writes one by one like it.
 * A second bare loop waits once for every batch: what hearing of each write costs. On tmpfs, where the device costs least, with plugs
 * of 8 and 32 writes, two members, two durabilities. About three minutes; `--rounds` and `--only` make it shorter.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type AgainstPeer, againstPeer, type PeerBounds } from "./against-peer.js";
import { buildBareLoop, runBareLoop } from "./harness/bare-loop.js";
import { Recording } from "./harness/recording.js";
import { interleave } from "./interleave.js";
import { benchGeometry, HOUR_NS, memberBytes, type NodeWork, openOneNode } from "./node/one-node.js";
import { makeSparseMembers } from "./node/temporary-members.js";
import { writeBenchmarkResult } from "./write-result.js";

const BOUNDS: PeerBounds = { ratio: 0.9, lowerBound: 0.9, cpuRatio: null };
/** Every bit of it is one chunk of one block, so that nearly every plug has pages to write. */
const ARRAY_BYTES = 512 << 20;
const CHUNK_BYTES = 4096;
const WRITE_BYTES = 4096;
const SAMPLE_WRITES = 32_000;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "21" },
    /** Cases whose description contains it, as "plug 8, none". */
    only: { type: "string", default: "" },
    out: { type: "string" },
  },
});
const rounds = Number(options.rounds);

interface Case {
  readonly plug: number;
  readonly durability: NodeWork["durability"];
}
const CASES: readonly Case[] = [8, 32].flatMap((plug) =>
  (["none", "preflush-fua"] as const).map((durability) => ({ plug, durability })),
);

interface Row extends AgainstPeer, Case {
  /** Of one member, pages included, in one sample. */
  readonly submittedWrites: number;
  /** Not judged: the bare loop that waits once for every batch. */
  readonly againstOneWait: AgainstPeer;
}

async function measure(
  program: string,
  paths: readonly string[],
  folder: string,
  { plug, durability }: Case,
): Promise<Row> {
  const geometry = benchGeometry(ARRAY_BYTES, CHUNK_BYTES, 1);
  const work: NodeWork = {
    paths,
    geometry,
    workingSetBytes: ARRAY_BYTES,
    writeBytes: WRITE_BYTES,
    plug,
    plugs: SAMPLE_WRITES / plug,
    durability,
    daemonSleepNs: HOUR_NS,
  };
  const path = join(folder, "submissions");
  const recording = new Recording();
  openOneNode(work, (writer) => recording.writer(writer)).run();
  recording.save(path);
  const node = openOneNode(work);
  const bare = (waiting: "each" | "all") => () => runBareLoop(program, waiting, path, paths, SAMPLE_WRITES);
  // Every page of the members is there then, and the code is compiled.
  node.run();
  const samples = await interleave(rounds, [node.run, bare("each"), bare("all")]);
  node.close();
  const side = (index: number) => samples.flatMap((costs) => costs[index] ?? []);
  return {
    plug,
    durability,
    submittedWrites: recording.writes / paths.length,
    ...againstPeer(side(0), side(1), BOUNDS),
    againstOneWait: againstPeer(side(0), side(2), BOUNDS),
  };
}

function line(row: Row): string {
  const { plug, durability, ratio, lowerBound, slotmark, peer, cpuRatio, missed, againstOneWait } = row;
  return [
    `plug ${String(plug).padStart(2)}, ${durability.padEnd(12)}`,
    `node ${Math.round(slotmark.perSecond.median).toString().padStart(7)} writes/s`,
    `bare ${Math.round(peer.perSecond.median).toString().padStart(7)}`,
    `ratio ${ratio.median.toFixed(3)} [${ratio.q1.toFixed(3)}, ${ratio.q3.toFixed(3)}]`,
    `bound ${lowerBound.toFixed(3)}`,
    `CPU ${cpuRatio.median.toFixed(2)}`,
    `(one wait: ${againstOneWait.ratio.median.toFixed(3)})`,
    missed.length === 0 ? "reached" : `missed: ${missed.join(", ")}`,
  ].join("  ");
}

async function main(): Promise<void> {
  const program = buildBareLoop();
  const geometry = benchGeometry(ARRAY_BYTES, CHUNK_BYTES, 1);
  const members = makeSparseMembers(2, memberBytes(geometry));
  const folder = mkdtempSync(join(tmpdir(), "slotmark-harness-"));
  try {
    console.log(
      `A node against a bare Rust loop with the same submissions, two members on ${members.onTmpfs ? "tmpfs" : "a file (no tmpfs here)"}, ${rounds} rounds in turn.`,
    );
    console.log(
      "Ratio of application writes a second, median and quartiles; bound: lower end of its 95 % interval.",
    );
    const rows: Row[] = [];
    for (const one of CASES) {
      if (!`plug ${one.plug}, ${one.durability}`.includes(options.only)) continue;
      const row = await measure(program, members.paths, folder, one);
      rows.push(row);
      console.log(line(row));
    }
    if (options.only !== "" && options.out === undefined) {
      console.log("not every case: no result written");
      return;
    }
    const figures = {
      bounds: BOUNDS,
      rounds,
      writesPerSample: SAMPLE_WRITES,
      onTmpfs: members.onTmpfs,
      cases: rows,
    };
    const where = { path: options.out, environmentOf: members.paths };
    console.log(writeBenchmarkResult("harness", figures, where));
  } finally {
    members.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
