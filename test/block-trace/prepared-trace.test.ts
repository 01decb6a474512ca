import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { TouchedBlocks } from "../../src/storage/touched-blocks.js";
import { ALONE, eventsOf, prepared, traceFile, traceFolder } from "./trace-folder.js";

const IOLOG_3 = `fio version 3 iolog
18 /dev/sdx add
119 /dev/sdx open
122 /dev/sdx read 61440 4096
200 /dev/sdx write 8192 4096
250 /dev/sdx sync 0 0
700 /dev/sdx write 1048576 16384
900 /dev/sdx trim 0 4096
1200 /dev/sdx write 8192 512
1300 /dev/sdx close
`;

test("a trace is summed up: what is replayed, what is not, how far it reaches and how it is aligned", async (context) => {
  const touched = new TouchedBlocks();
  const trace = await prepared(context, traceFile(context, IOLOG_3), { touched });
  const { sha256, ...summary } = trace.summary;
  assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(summary, {
    format: "fio iolog version 3",
    action: null,
    lines: 10,
    writes: 3,
    writtenBytes: 4096 + 16384 + 512,
    reads: 1,
    trims: 1,
    syncs: 1,
    waits: 0,
    timed: true,
    durationNs: 1_000_000,
    meanIntervalNs: 500_000,
    endBytes: 1048576 + 16384,
    endLine: 7,
    largestWriteBytes: 16384,
    alignments: [
      { alignmentBytes: 4096, line: 5 },
      { alignmentBytes: 512, line: 9 },
    ],
    outOfOrder: 0,
    target: "/dev/sdx",
  });
  assert.deepEqual(
    [...touched.ranges()],
    [
      { offsetBytes: 8192, lengthBytes: 4096 },
      { offsetBytes: 1048576, lengthBytes: 16384 },
    ],
  );
  const [events] = await trace.forNodes(ALONE);
  assert.ok(events !== undefined);
  assert.deepEqual(eventsOf(events), [
    [16, 8, 0],
    [2048, 32, 500_000],
    [16, 1, 1_000_000],
  ]);
});

test("the same work has the same hash, whatever it was recorded on and whatever else was recorded", async (context) => {
  const hashOf = async (text: string | Uint8Array) =>
    (await prepared(context, traceFile(context, text))).summary.sha256;
  const hash = await hashOf(IOLOG_3);
  const later = IOLOG_3.replaceAll("/dev/sdx", "/dev/sdy").replace(/.* (read|sync|trim) .*\n/g, "");
  assert.equal(await hashOf(later), hash);
  assert.equal(await hashOf(gzipSync(IOLOG_3)), hash, "packed by gzip");
  assert.equal(await hashOf(IOLOG_3.replaceAll("\n", "\r\n")), hash, "lines that end as on Windows");
  assert.equal(await hashOf(IOLOG_3.trimEnd()), hash, "no newline at the end");
  assert.notEqual(await hashOf(IOLOG_3.replace("700 ", "701 ")), hash);
  assert.notEqual(await hashOf(IOLOG_3.replace("1048576", "1052672")), hash);
});

test("version 2 has no times: events carry their number, and waits are counted and left out", async (context) => {
  const text =
    "fio version 2 iolog\n/d add\n/d open\n/d write 0 4096\n/d wait 500 0\n/d write 4096 4096\n/d close\n";
  const trace = await prepared(context, traceFile(context, text));
  const { timed, durationNs, meanIntervalNs, waits } = trace.summary;
  assert.deepEqual(
    { timed, durationNs, meanIntervalNs, waits },
    { timed: false, durationNs: 0, meanIntervalNs: 1, waits: 1 },
  );
  const [events] = await trace.forNodes(ALONE);
  assert.ok(events !== undefined);
  assert.deepEqual(eventsOf(events), [
    [0, 8, 0],
    [8, 8, 1],
  ]);
});

test("blkparse: of one action every write once; without Q, D is taken, and the summary ends it", async (context) => {
  const lines = ["D", "C"].map(
    (action) =>
      `  8,0    0        6     0.00000${action === "D" ? 2 : 9}000   100  ${action}  WS 100 + 8 [fio]`,
  );
  const end = ["CPU0 (sda):", " Reads Queued:  0, 0KiB\t Writes Queued: 1", "", "Total (sda):", ""];
  const trace = await prepared(context, traceFile(context, [...lines, ...end].join("\n")));
  assert.equal(trace.summary.action, "D");
  assert.equal(trace.summary.writes, 1);
  const both = [`  8,0    0        1     0.000000000   100  Q  WS 200 + 8 [fio]`, ...lines, ...end];
  const queued = await prepared(context, traceFile(context, both.join("\n")));
  assert.equal(queued.summary.action, "Q");
  const [events] = await queued.forNodes(ALONE);
  assert.deepEqual(events && eventsOf(events), [[200, 8, 0]]);
});

test("a time a little before its predecessor's is taken as that; one far before it is another trace", async (context) => {
  const at = (seconds: string, sector: number) =>
    `  8,0    0        1     ${seconds}   100  Q   W ${sector} + 8 [fio]`;
  const file = traceFile(
    context,
    [at("5.000000000", 0), at("6.000000000", 8), at("5.999999000", 16)].join("\n"),
  );
  const trace = await prepared(context, file);
  assert.equal(trace.summary.outOfOrder, 1);
  const [events] = await trace.forNodes(ALONE);
  assert.deepEqual(events && eventsOf(events), [
    [0, 8, 0],
    [8, 8, 1e9],
    [16, 8, 1e9],
  ]);
  const twice = traceFile(context, [at("5.000000000", 0), at("1.000000000", 8)].join("\n"));
  await assert.rejects(prepared(context, twice), {
    code: "trace-time-back",
    message: /line 2: its time is 4 s before/,
  });
});

for (const [what, text, code, message] of [
  ["an empty file", "", "trace-format-unknown", /line 1: expected/],
  [
    "another kind of file",
    "hello\n",
    "trace-format-unknown",
    /expected "fio version 2 iolog".*found "hello"/,
  ],
  [
    "a line of rubbish",
    "fio version 2 iolog\n/d add\nrubbish here\n",
    "trace-malformed",
    /a\.log: line 3: expected "FILE add\|open\|close" or .* found "rubbish here"$/,
  ],
  ["a line cut short", "fio version 3 iolog\n1 /d write 0 4096\n2 /d write 40", "trace-malformed", /line 3/],
  [
    "a length of 0",
    "fio version 2 iolog\n/d write 4096 0\n",
    "trace-malformed",
    /line 2: expected a write of at least one byte/,
  ],
  [
    "an address without end",
    `fio version 2 iolog\n/d write ${2 ** 60} 4096\n`,
    "trace-malformed",
    /line 2: expected addresses below/,
  ],
  [
    "a write that no sector begins",
    "fio version 2 iolog\n/d write 512 512\n/d write 100 512\n",
    "trace-write-unaligned",
    /line 3: .*multiples of 512 bytes.*found \/d write 100 512/,
  ],
  [
    "two files that are written",
    "fio version 2 iolog\n/a write 0 512\n/b read 0 512\n/b write 0 512\n",
    "trace-several-targets",
    /line 4 writes to file \/b, line 2 to \/a/,
  ],
  [
    "no writes",
    "fio version 2 iolog\n/a read 0 512\n",
    "trace-without-writes",
    /none of its 2 lines is a write: 1 reads/,
  ],
  [
    "blkparse without writes",
    "  8,0 0 1 0.000000000 1 Q R 8 + 8 [a]\n",
    "trace-without-writes",
    /none of its 1 lines/,
  ],
  [
    "a line without an end",
    `fio version 2 iolog\n${"x".repeat(200_000)}`,
    "trace-malformed",
    /line 2: expected a line of at most/,
  ],
  ["a damaged gzip file", gzipSync(IOLOG_3).subarray(0, 60), "trace-gzip-damaged", /a\.log/],
] as const) {
  test(`refused with file and line: ${what}`, async (context) => {
    const file = traceFile(context, text);
    await assert.rejects(prepared(context, file), { name: "SlotmarkError", kind: "input", code, message });
    assert.deepEqual(fs.readdirSync(path.dirname(file)), ["a.log"], "nothing is left behind");
  });
}

test("what is no readable file is refused by name", async (context) => {
  const folder = traceFolder(context);
  for (const name of [path.join(folder, "absent"), folder, "/dev/null"]) {
    await assert.rejects(prepared(context, name, { folder }), {
      code: "trace-unreadable",
      message: new RegExp(`^${name}[: ]`),
    });
  }
  const file = traceFile(context, IOLOG_3);
  await assert.rejects(prepared(context, file, { folder: path.join(folder, "absent") }), {
    code: "trace-no-room",
  });
});

test("a stop ends the reading, and nothing is left behind", async (context) => {
  const file = traceFile(context, IOLOG_3);
  const reason = new Error("enough");
  await assert.rejects(prepared(context, file, { signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ["a.log"]);
});
