import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readResult } from "../../src/results/store.js";
import { openMembers } from "../../src/storage/open-members.js";
import { primeRanges } from "../../src/storage/prime.js";
import { TouchedBlocks } from "../../src/storage/touched-blocks.js";
import { missing, runTool } from "../block-trace/oracle-tools.js";
import { prepared } from "../block-trace/trace-folder.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { struckRun } from "./background-run.js";
import { runFolder } from "./run-folder.js";

const BLOCK_BYTES = 4096;

/** A run of a moment that replays `trace`, on two files of `folder`. */
function traceRun(folder: string, trace: string, ...more: readonly string[]) {
  const members = ["a.img", "b.img"].map((name) => path.join(folder, name));
  const out = path.join(folder, "result.json");
  const args = [
    ...["run", "bitmap", "--workload", `trace:${trace}`, "--nodes", "2", "--trials", "1", "--out", out],
    ...["--plug", "1", "--chunk", "64K"],
    ...["--time", "400ms", "--daemon-sleep", "100ms", "--size", "64M"],
    ...members.flatMap((member) => ["--member", member]),
    ...more,
  ];
  return { members, out, journal: `${out}.journal`, args };
}

function iolog(writes: readonly (readonly [microseconds: number, offset: number, length: number])[]): string {
  const lines = writes.map(([at, offset, length]) => `${at} /dev/sdq write ${offset} ${length}`);
  return `fio version 3 iolog\n0 /dev/sdq add\n0 /dev/sdq open\n${lines.join("\n")}\n`;
}

const SMALL = iolog(
  Array.from(
    { length: 100 },
    (_, at) => [at * 2000, ((at * 37) % 1000) * BLOCK_BYTES * 3, BLOCK_BYTES] as const,
  ),
);

test("a trace that fio wrote is replayed on exactly the blocks that fio wrote", {
  skip: missing("fio"),
}, async (context) => {
  const folder = runFolder(context);
  const data = path.join(folder, "data");
  // Of its full length, so that fio lays nothing out itself; it writes no blocks of zeros.
  fs.writeFileSync(data, Buffer.alloc(32 << 20));
  runTool(
    "fio",
    [
      ...[
        "--name=w",
        "--rw=randwrite",
        "--bsrange=4k-1536k",
        "--size=32m",
        "--number_ios=25",
        `--filename=${data}`,
      ],
      ...["--ioengine=psync", "--thinktime=1000", `--write_iolog=${folder}/log`, "--fallocate=none"],
    ],
    folder,
  );
  const run = traceRun(folder, path.join(folder, "log"), "--no-bitmap", "--time", "1s");
  const { code, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  const result = readResult(run.out);
  const writing = result.trials.filter(({ labels }) => labels.workload === "trace:log");
  assert.ok(writing.length > 0);
  for (const { metrics, labels } of writing) {
    assert.equal(labels.loop, "open");
    assert.equal(labels.times, "recorded");
    assert.ok((metrics.trace_passes?.value ?? 0) >= 1, "all of the trace was measured");
  }

  // What priming alone would have left behind, to tell it from what was replayed.
  const touched = new TouchedBlocks();
  await prepared(context, path.join(folder, "log"), { touched });
  const examined = JSON.parse(runSlotmark(["examine", ...run.members, "--json"]).stdout);
  const dataOffset = examined[0].superblock.dataOffsetSectors * 512;
  const reference = path.join(folder, "primed.img");
  fs.writeFileSync(reference, "");
  const [member] = await openMembers({
    paths: [reference],
    destroy: [],
    watch: false,
    createSizeBytes: 64 << 20,
    existingArray: "keep",
  });
  assert.ok(member !== undefined);
  const ranges = [...touched.ranges(16_384)].map(({ offsetBytes, lengthBytes }) => ({
    offsetBytes: dataOffset + offsetBytes,
    lengthBytes,
    content: "noise" as const,
  }));
  await primeRanges(member, ranges);
  member.close();

  const primed = fs.readFileSync(reference).subarray(dataOffset);
  const byFio = fs.readFileSync(data);
  for (const one of run.members) {
    const bySlotmark = fs.readFileSync(one).subarray(dataOffset);
    for (let at = 0; at < bySlotmark.length; at += BLOCK_BYTES) {
      const block = (of: Buffer) => of.subarray(at, at + BLOCK_BYTES);
      const wrote = block(byFio).some((byte) => byte !== 0);
      assert.equal(!block(bySlotmark).equals(block(primed)), wrote, `${one}: byte ${at} of the data`);
    }
  }
  const [first, second] = run.members.map((one) => fs.readFileSync(one).subarray(dataOffset));
  assert.ok(first !== undefined && second?.equals(first), "members are alike");
});

test("a trace is named by what it holds: its hash counts, its path and packing do not", (context) => {
  const folder = runFolder(context);
  const contents = [
    SMALL,
    SMALL.replaceAll("/dev/sdq", "/other file"),
    gzipSync(SMALL),
    SMALL.replace(" 4096\n", " 8192\n"),
  ];
  const hashes = contents.map((text, index) => {
    const trace = path.join(folder, `${index}.log`);
    fs.writeFileSync(trace, text);
    const run = traceRun(folder, trace, "--no-bitmap", "--time", "100ms");
    const { code, stderr } = runSlotmark(run.args);
    assert.equal(code, 0, stderr);
    const result = readResult(run.out);
    const [described] = result.scenario.traces as {
      workload: string;
      writes: number;
      touchedBytes: number;
    }[];
    assert.equal(described?.workload, `trace:${trace}`);
    assert.equal(described.writes, 100);
    return result.scenarioHash;
  });
  assert.equal(hashes[1], hashes[0]);
  assert.equal(hashes[2], hashes[0]);
  assert.notEqual(hashes[3], hashes[0]);
});

test("--rate sets the pace, and the result says what was left out and which part was measured", (context) => {
  const folder = runFolder(context);
  const trace = path.join(folder, "app.log");
  fs.writeFileSync(trace, SMALL.replace("open\n", "open\n5 /dev/sdq read 0 4096\n"));
  const run = traceRun(folder, trace, "--no-bitmap", "--rate", "1000", "--plug", "4");
  const { code, stdout, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  const { trials, warnings } = readResult(run.out);
  const writing = trials.filter(({ labels }) => labels.bitmap !== undefined);
  for (const { metrics, labels, durationNs } of writing) {
    assert.equal(labels.ratePerSecond, 1000);
    assert.equal(metrics.offered_iops?.value, 1000);
    // No more than was due in the time that the trial took, and each node's first, which is due at once.
    const due = (1000 * durationNs) / 1e9 + Number(labels.nodes);
    assert.ok((metrics.write_iops?.count ?? 0) <= due, `${metrics.write_iops?.count} of ${due}`);
    assert.ok(metrics.service_latency_ns !== undefined && metrics.write_latency_ns !== undefined);
  }
  const codes = warnings.map((warning) => warning.code);
  assert.ok(codes.includes("trace-replayed") && codes.includes("trace-restarted"), codes.join());
  assert.match(
    stdout,
    /The workload is the trace app\.log \(fio iolog version 3\): 100 writes, .*Not replayed: 1 read\./,
  );
});

test("a trace without times runs in closed loop, and one that a node has no part in as well", (context) => {
  const folder = runFolder(context);
  const trace = path.join(folder, "v2.log");
  // All in the first stripe: node 1 of 2 has nothing to write.
  fs.writeFileSync(trace, "fio version 2 iolog\n/d write 0 4096\n/d write 65536 8192\n");
  const run = traceRun(folder, trace);
  const { code, stderr } = runSlotmark(run.args);
  assert.equal(code, 0, stderr);
  const { trials, warnings } = readResult(run.out);
  const writing = trials.filter(({ labels }) => labels.bitmap !== undefined);
  assert.equal(writing.length, 4);
  for (const { labels, metrics } of writing) {
    assert.equal(labels.loop, "closed");
    assert.equal(metrics.offered_iops, undefined);
    assert.ok((metrics.write_iops?.count ?? 0) > 0);
  }
  assert.ok(warnings.some((warning) => warning.code === "trace-without-times"));
});

test("a trace beyond the array is refused with the smallest size, which then does", (context) => {
  const folder = runFolder(context);
  const trace = path.join(folder, "far.log");
  fs.writeFileSync(
    trace,
    iolog([
      [0, 0, 4096],
      [100, (200 << 20) + 8192, 4096],
      [200, 4096, 4096],
    ]),
  );
  const refused = (size: string) => {
    const run = traceRun(folder, trace, "--size", size, "--no-bitmap", "--time", "50ms");
    const { code, stderr } = runSlotmark(run.args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /far\.log: line 5: a write ends at byte 209727488, and the array has \d+ bytes/);
    const advised = /--size (\d+)M/.exec(stderr)?.[1];
    assert.ok(advised !== undefined, stderr);
    assert.deepEqual(fs.readdirSync(folder), ["far.log"], "nothing is left behind");
    return Number(advised);
  };
  const least = refused("64M");
  assert.equal(refused(`${least - 1}M`), least);
  const { code, stderr } = runSlotmark(
    traceRun(folder, trace, "--size", `${least}M`, "--no-bitmap", "--time", "50ms").args,
  );
  assert.equal(code, 0, stderr);
});

for (const [what, text, args, expected] of [
  [
    "a malformed line",
    SMALL.replace("write 0 4096", "write 0"),
    [],
    /app\.log: line 4: expected .* found "0 \/dev\/sdq write 0"/,
  ],
  ["a trace that only reads", SMALL.replaceAll("write", "read"), [], /none of its 103 lines is a write/],
  [
    "a working set beside a trace",
    SMALL,
    ["--working-set", "8M"],
    /--working-set means nothing to --workload trace/,
  ],
  [
    "a length of writes beside a trace",
    SMALL,
    ["--write-size", "8K"],
    /--write-size means nothing to --workload trace/,
  ],
] as const) {
  test(`refused with exit 2 before any member is made: ${what}`, (context) => {
    const folder = runFolder(context);
    fs.writeFileSync(path.join(folder, "app.log"), text);
    const run = traceRun(folder, path.join(folder, "app.log"), ...args);
    const { code, stderr } = runSlotmark(run.args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.deepEqual(fs.readdirSync(folder), ["app.log"]);
  });
}

test("a result never takes the place of its trace", (context) => {
  const folder = runFolder(context);
  const trace = path.join(folder, "app.log");
  fs.writeFileSync(trace, SMALL);
  const { code, stderr } = runSlotmark([...traceRun(folder, trace).args, "--out", trace]);
  assert.equal(code, 2);
  assert.match(stderr, /--out .*app\.log is the trace that is to be replayed/);
  assert.equal(fs.readFileSync(trace, "utf8"), SMALL);
});

test("a block trace is not written over by --trace, which somebody may take for the way to replay it", (context) => {
  const trace = path.join(runFolder(context), "app.log");
  fs.writeFileSync(trace, SMALL);
  const { code, stderr } = runSlotmark(["run", "bitmap", "--trace", trace]);
  assert.equal(code, 2);
  assert.match(stderr, /Replay it with --workload trace:/);
  assert.equal(fs.readFileSync(trace, "utf8"), SMALL);
});

test("recorded times without a trace are refused", (context) => {
  const run = traceRun(runFolder(context), "x");
  const { code, stderr } = runSlotmark(
    run.args.map((arg) => (arg === "trace:x" ? "uniform" : arg)).concat("--rate", "recorded"),
  );
  assert.equal(code, 2);
  assert.match(stderr, /--rate .*only a trace has recorded times/);
});

test("a killed run leaves no file of its trace, and goes on only with the same trace", async (context) => {
  const folder = runFolder(context);
  const temporary = path.join(folder, "tmp");
  fs.mkdirSync(temporary);
  const before = process.env.TMPDIR;
  context.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  process.env.TMPDIR = temporary;
  const trace = path.join(folder, "app.log");
  fs.writeFileSync(trace, SMALL);
  const run = traceRun(folder, trace, "--trials", "3");
  const { signalled } = await struckRun(run, (kill) => kill("SIGKILL"));
  assert.equal(signalled, "SIGKILL");
  assert.deepEqual(fs.readdirSync(temporary), []);

  fs.writeFileSync(trace, SMALL.replace(" 4096\n", " 8192\n"));
  const changed = runSlotmark(["run", "--resume", run.journal]);
  assert.equal(changed.code, 2, changed.stderr);
  assert.match(changed.stderr, /app\.log holds other writes than when the run began/);
  assert.ok(fs.existsSync(run.journal), "what was measured is kept");

  fs.writeFileSync(trace, SMALL);
  const { code, stderr } = runSlotmark(["run", "--resume", run.journal]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(fs.readdirSync(temporary), []);
});
