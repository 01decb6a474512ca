import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { TouchedBlocks } from "../../src/storage/touched-blocks.js";
import { missing, runTool } from "./oracle-tools.js";
import { ALONE, eventsOf, prepared, traceFolder } from "./trace-folder.js";

const skip = missing("fio");
const MICROSECONDS_BETWEEN = 3000;

test("what fio writes with --write_iolog is what it wrote: places, lengths and times", {
  skip,
}, async (context) => {
  const folder = traceFolder(context);
  const file = path.join(folder, "data");
  // Of its full length, so that fio lays nothing out itself.
  fs.writeFileSync(file, Buffer.alloc(4 << 20));
  const report = JSON.parse(
    runTool(
      "fio",
      [
        ...[
          "--name=w",
          "--rw=randrw",
          "--bsrange=4k-64k",
          "--size=4m",
          "--number_ios=60",
          `--filename=${file}`,
        ],
        ...["--ioengine=psync", `--thinktime=${MICROSECONDS_BETWEEN}`, "--fsync=8", "--randseed=7"],
        ...[`--write_iolog=${folder}/log`, "--output-format=json", "--fallocate=none"],
      ],
      folder,
    ),
  );
  const job = report.jobs[0];
  const touched = new TouchedBlocks();
  const { summary } = await prepared(context, path.join(folder, "log"), { touched });
  assert.equal(summary.format, "fio iolog version 3");
  assert.equal(summary.writes, job.write.total_ios);
  assert.equal(summary.writtenBytes, job.write.io_bytes);
  assert.equal(summary.reads, job.read.total_ios);
  assert.ok(summary.syncs > 0);
  // The unit: fio paused so long before each event, and was not longer at it than it says.
  const events = summary.writes + summary.reads;
  assert.ok(
    summary.durationNs >= (summary.writes - 1) * MICROSECONDS_BETWEEN * 1000,
    `${summary.durationNs} ns`,
  );
  assert.ok(summary.durationNs / 1e6 <= job.job_runtime + 1, `${events} events in ${job.job_runtime} ms`);
  // fio writes no blocks of zeros.
  const bytes = fs.readFileSync(file);
  for (let block = 0; block < bytes.length / 4096; block++) {
    const written = bytes.subarray(block * 4096, (block + 1) * 4096).some((byte) => byte !== 0);
    const expected = [...touched.ranges()].some(
      ({ offsetBytes, lengthBytes }) =>
        block * 4096 >= offsetBytes && block * 4096 < offsetBytes + lengthBytes,
    );
    assert.equal(written, expected, `block ${block}`);
  }
});

test("what fio takes for a microsecond with --read_iolog, we do", { skip }, async (context) => {
  const folder = traceFolder(context);
  const file = path.join(folder, "data");
  const log = path.join(folder, "log");
  fs.writeFileSync(file, Buffer.alloc(1 << 20));
  const lines = [1, 150_001, 300_001].map((time, at) => `${time} ${file} write ${at * 8192} 4096`);
  fs.writeFileSync(log, ["fio version 3 iolog", `0 ${file} add`, `0 ${file} open`, ...lines, ""].join("\n"));
  const { jobs } = JSON.parse(
    runTool("fio", ["--name=r", `--read_iolog=${log}`, "--ioengine=psync", "--output-format=json"], folder),
  );
  const { summary } = await prepared(context, log);
  assert.equal(jobs[0].write.total_ios, summary.writes);
  // 0.3 s is 300 ms or more to it; in milliseconds it would be five minutes, and would have been killed.
  assert.equal(summary.durationNs, 300_000_000);
  assert.ok(jobs[0].job_runtime >= summary.durationNs / 1e6);
  const [events] = await prepared(context, log).then((trace) => trace.forNodes(ALONE));
  assert.ok(events !== undefined);
  const bytes = fs.readFileSync(file);
  for (const [sector, sectors] of eventsOf(events)) {
    assert.ok(bytes.subarray(sector * 512, (sector + sectors) * 512).some((byte) => byte !== 0));
  }
});
