/** fio's psync engine on given offsets of one file, in their order: a version 2 iolog, which carries no times. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const fioOutput = z.object({
  jobs: z
    .array(z.object({ error: z.number(), write: z.object({ total_ios: z.number(), runtime: z.number() }) }))
    .length(1),
});

export interface FioRun {
  readonly path: string;
  readonly offsetsBytes: readonly number[];
  readonly lengthBytes: number;
  readonly dsync: boolean;
  /** The byte that every write is filled with. */
  readonly fill: number;
  /** Where the list of offsets is put. */
  readonly directory: string;
}

export function fioVersion(): string {
  return fio(["--version"]).trim();
}

/** @returns writes per second, without fio's start-up */
export function runFio(run: FioRun): number {
  const log = join(run.directory, "offsets.iolog");
  const writes = run.offsetsBytes.map((offset) => `${run.path} write ${offset} ${run.lengthBytes}`);
  writeFileSync(
    log,
    ["fio version 2 iolog", `${run.path} add`, `${run.path} open`, ...writes, `${run.path} close`, ""].join(
      "\n",
    ),
  );
  const output = fio([
    "--name=page-writes",
    "--ioengine=psync",
    "--direct=1",
    // Our side reads no clock between writes either.
    "--gtod_reduce=1",
    ...(run.dsync ? ["--sync=dsync"] : []),
    `--read_iolog=${log}`,
    `--buffer_pattern=0x${run.fill.toString(16)}`,
    "--output-format=json",
  ]);
  const { jobs } = fioOutput.parse(JSON.parse(output));
  const write = jobs[0]?.write;
  if (write === undefined || jobs[0]?.error !== 0 || write.total_ios !== run.offsetsBytes.length) {
    throw new Error(`fio did not write what it was given: ${output}`);
  }
  return write.total_ios / (write.runtime / 1000);
}

function fio(options: readonly string[]): string {
  const result = spawnSync("fio", options, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.error !== undefined)
    throw new Error(`fio does not run (apt-get install fio): ${result.error.message}`);
  if (result.status !== 0) throw new Error(`fio failed: ${result.stderr}`);
  return result.stdout;
}
