/**
 * fio on one file or device: random writes, as many as asked for, from a seed. Which offsets a seed gives fio itself writes down,
 * so that the other side can write the same ones in the same order.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Cost } from "./interleave.js";

export type FioEngine = "psync" | "libaio" | "io_uring";

export interface FioRun {
  readonly path: string;
  /** Of the file or device: offsets lie below it. */
  readonly sizeBytes: number;
  readonly writeBytes: number;
  readonly writes: number;
  readonly seed: number;
  readonly depth: number;
  readonly dsync: boolean;
  /** The byte that every write is filled with. */
  readonly fill: number;
}

const fioOutput = z.object({
  jobs: z
    .array(
      z.object({
        error: z.number(),
        job_runtime: z.number(),
        usr_cpu: z.number(),
        sys_cpu: z.number(),
        write: z.object({ total_ios: z.number(), runtime: z.number() }),
      }),
    )
    .length(1),
});

export function fioVersion(): string {
  return fio(["--version"]).trim();
}

/** What fio took, without its start-up. */
export function runFio(engine: FioEngine, run: FioRun, ...more: string[]): Cost {
  const output = fio([...jobOptions(run), ...engineOptions(engine, run), ...more, "--output-format=json"]);
  const [job] = fioOutput.parse(JSON.parse(output)).jobs;
  if (job === undefined || job.error !== 0 || job.write.total_ios !== run.writes) {
    throw new Error(`fio did not write what it was given: ${output}`);
  }
  // Percentages are of the job's run time, in milliseconds like that.
  const cpuMs = ((job.usr_cpu + job.sys_cpu) / 100) * job.job_runtime;
  return {
    perSecond: run.writes / (job.write.runtime / 1000),
    cpuNsEach: (cpuMs * 1e6) / run.writes,
  };
}

/** The offsets that `runFio` writes, in bytes, in their order; found without a write. */
export function fioOffsets(run: FioRun, directory: string): Float64Array {
  const log = join(directory, "offsets.iolog");
  rmSync(log, { force: true });
  fio([...jobOptions(run), "--ioengine=null", `--write_iolog=${log}`]);
  return offsetsOf(log, run);
}

/** The same offsets, as an engine wrote them down while it wrote them. */
export function fioOffsetsOf(engine: FioEngine, run: FioRun, directory: string): Float64Array {
  const log = join(directory, "written.iolog");
  rmSync(log, { force: true });
  runFio(engine, run, `--write_iolog=${log}`);
  return offsetsOf(log, run);
}

/** `1234 PATH write OFFSET LENGTH`, fio's iolog of version 3, to which fio appends. */
function offsetsOf(log: string, { writes, writeBytes }: FioRun): Float64Array {
  const offsets = new Float64Array(writes);
  let found = 0;
  for (const [, offset, length] of readFileSync(log, "utf8").matchAll(/ write (\d+) (\d+)$/gm)) {
    if (Number(length) !== writeBytes) throw new Error(`fio logged a write of ${length} bytes`);
    offsets[found++] = Number(offset);
  }
  if (found !== writes) throw new Error(`fio logged ${found} writes of ${writes}`);
  return offsets;
}

function jobOptions({ path, sizeBytes, writeBytes, writes, seed }: FioRun): string[] {
  return [
    "--name=page-writes",
    `--filename=${path}`,
    `--size=${sizeBytes}`,
    `--bs=${writeBytes}`,
    `--io_size=${writes * writeBytes}`,
    "--rw=randwrite",
    // A map of what has been written already would cost fio time.
    "--norandommap",
    `--randseed=${seed}`,
    "--allow_file_create=0",
  ];
}

function engineOptions(engine: FioEngine, { depth, dsync, fill }: FioRun): string[] {
  return [
    `--ioengine=${engine}`,
    `--iodepth=${depth}`,
    ...(engine === "io_uring" ? ["--registerfiles=1", "--fixedbufs=1"] : []),
    "--direct=1",
    ...(dsync ? ["--sync=dsync"] : []),
    // Fewest clock readings: its latencies are not asked for.
    "--gtod_reduce=1",
    // Buffers are filled once, before the first write.
    `--buffer_pattern=0x${fill.toString(16)}`,
  ];
}

function fio(options: readonly string[]): string {
  const result = spawnSync("fio", options, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.error !== undefined)
    throw new Error(`fio does not run (apt-get install fio): ${result.error.message}`);
  if (result.status !== 0) throw new Error(`fio failed: ${result.stderr}`);
  return result.stdout;
}
