import assert from "node:assert/strict";
import { test } from "node:test";
import { blkparseReader } from "../../src/block-trace/blkparse.js";
import { detectFormat } from "../../src/block-trace/detect-format.js";
import { iologReader } from "../../src/block-trace/iolog.js";
import type { LineReader, TraceEvent } from "../../src/block-trace/line-reader.js";

function readLine(reader: LineReader, line: string): readonly unknown[] {
  const event: TraceEvent = { timeNs: 0, offsetBytes: 0, lengthBytes: 0, target: "" };
  const kind = reader.read(line, event);
  if (kind !== "write") return [kind];
  return [kind, event.timeNs, event.offsetBytes, event.lengthBytes, event.target];
}

for (const [line, expected] of [
  ["/dev/sdb write 4096 512", ["write", 0, 4096, 512, "/dev/sdb"]],
  ["/a file write 1 write 0 1024", ["write", 0, 0, 1024, "/a file write 1"]],
  ["/dev/sdb write 4096 512\r", ["write", 0, 4096, 512, "/dev/sdb"]],
  ["/dev/sdb read 0 4096", ["read"]],
  ["/dev/sdb trim 0 4096", ["trim"]],
  ["/dev/sdb sync 0 0", ["sync"]],
  ["/dev/sdb datasync", ["sync"]],
  ["/dev/sdb wait 500000 0", ["wait"]],
  ["/dev/sdb add", ["other"]],
  ["/dev/sdb close", ["other"]],
  ["", ["other"]],
  ["/dev/sdb write 4096", [null]],
  ["/dev/sdb write -1 512", [null]],
  ["/dev/sdb erase 0 512", [null]],
  ["write 0 512", [null]],
] as const) {
  test(`iolog 2: ${JSON.stringify(line)}`, () => assert.deepEqual(readLine(iologReader(2), line), expected));
}

for (const [line, expected] of [
  ["18 /tmp/f.img add", ["other"]],
  ["6749 /tmp/f.img write 491520 4096", ["write", 6_749_000, 491520, 4096, "/tmp/f.img"]],
  ["21420 /tmp/f.img sync 954368 0", ["sync"]],
  ["2424 /tmp/f.img read 774144 4096", ["read"]],
  ["/tmp/f.img write 491520 4096", [null]],
  ["1.5 /tmp/f.img write 491520 4096", [null]],
] as const) {
  test(`iolog 3: ${JSON.stringify(line)}`, () => assert.deepEqual(readLine(iologReader(3), line), expected));
}

for (const [line, expected] of [
  [
    "  8,0    3        1     0.000000001   697  Q   W 223490 + 8 [kjournald]",
    ["write", 1, 223490 * 512, 4096, "8,0"],
  ],
  [
    "253,16   1      113    12.345678901  4711  Q WSM 0 + 2048 [fio]",
    ["write", 12_345_678_901, 0, 1 << 20, "253,16"],
  ],
  [
    "  7,0    0       19     0.000306313   100  Q FWFSM 500 + 16 [a b]",
    ["write", 306_313, 256_000, 8192, "7,0"],
  ],
  ["  7,0    0       18     0.000306303   100  Q FWS [fio]", ["sync"]],
  ["  7,0    0       18     0.000306303   100  Q  FN [fio]", ["sync"]],
  ["  8,0    0       18     0.000306303   100  Q  WS [fio]", ["sync"]],
  ["  8,0    0       18     0.000306303   100  Q FWS 0 [0]", ["sync"]],
  ["  8,0    0       18     0.000306303   100  Q   W 24 (0a 00 01 00 08 00 ..) [sg_dd]", ["other"]],
  ["  7,0    0       20     0.000306323   100  Q   D 600 + 128 [fio]", ["trim"]],
  ["  7,0    0       20     0.000306323   100  Q  DS 600 + 128 [fio]", ["trim"]],
  ["  7,0    0       21     0.000306333   100  Q  RA 700 + 8 [fio]", ["read"]],
  ["  7,0    0        6     0.000001101   100  D  WS 100 + 8 [fio]", ["other"]],
  ["  7,0    0        7     0.000002101   100  C  WS 100 + 8 [0]", ["other"]],
  ["  7,0    0        5     0.000001100   100  U   W [fio] 1", ["other"]],
  ["  8,0   23        0     0.000306353   100  A   W 800 + 8 <- (8,1) 900", ["other"]],
  ["  7,0    0        0     0.000306343     0  m   N hello message", ["other"]],
  ["Input file syn.blktrace.0 added", ["other"]],
  ["CPU0 (syn):", ["end"]],
  ["  7,0    0       19     0.000306313   100  Q W 500 + [fio]", [null]],
  ["  7,0    0       19     0.0003   100  Q W 500 + 8 [fio]", [null]],
  ["/dev/sdb write 4096 512", [null]],
] as const) {
  test(`blkparse: ${JSON.stringify(line)}`, () =>
    assert.deepEqual(readLine(blkparseReader("Q"), line), expected));
}

test("the first line tells the format, and an unknown one what would be known", () => {
  assert.equal(detectFormat("x", "fio version 2 iolog").format, "fio iolog version 2");
  assert.equal(detectFormat("x", "fio version 3 iolog\r").format, "fio iolog version 3");
  assert.equal(detectFormat("x", "  8,0 3 1 0.000000000 697 Q W 8 + 8 [a]").format, "blkparse");
  assert.throws(() => detectFormat("t.log", "1, 2, 3"), {
    code: "trace-format-unknown",
    message: /^t\.log: line 1: expected "fio version 2 iolog", .* found "1, 2, 3"$/,
  });
  assert.throws(() => detectFormat("t.log", "fio version 1 iolog"), { code: "trace-format-unknown" });
  assert.throws(() => detectFormat("t.log", "\u0007tae\u0001\u0000"), { remedy: /blkparse -i/ });
});
