import assert from "node:assert/strict";
import { readFileSync, truncateSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { directMemory } from "../../src/storage/direct-memory.js";
import { monotonicNs } from "../../src/storage/monotonic.js";
import { openPageWriter } from "../../src/storage/open-page-writer.js";
import type { Durability, PageWriter, PageWriterOptions } from "../../src/storage/page-writer.js";
import { loopDevice, mount, sparseFile, temporaryDirectory, whyNoBlockDevices } from "./machine.js";

const PAGE = 4096;
const IMAGE_OFFSET = 2 * PAGE;
const PAYLOAD_OFFSET = 6 * PAGE;
const DATA_OFFSET = 1 << 20;

/** Linear memory with four page images, each filled with its number plus one, and a payload of 0x77. */
function memoryWithPages(): Uint8Array {
  const memory = directMemory(16 * PAGE);
  for (let page = 0; page < 4; page++) {
    memory.fill(page + 1, IMAGE_OFFSET + page * PAGE, IMAGE_OFFSET + (page + 1) * PAGE);
  }
  memory.fill(0x77, PAYLOAD_OFFSET, PAYLOAD_OFFSET + 2 * PAGE);
  return memory;
}

function optionsFor(paths: string[], durability: Durability, dataSync = false): PageWriterOptions {
  return {
    members: paths.map((path) => ({ path, dataOffsetBytes: DATA_OFFSET })),
    memory: memoryWithPages(),
    imageOffsetBytes: IMAGE_OFFSET,
    imageBytes: 4 * PAGE,
    payloadOffsetBytes: PAYLOAD_OFFSET,
    payloadBytes: 2 * PAGE,
    depth: 0,
    durability,
    dataSync,
  };
}

const PAGES = {
  page: Uint32Array.of(2, 0, 3, 1),
  offsetBytes: Float64Array.of(8192, 16384, 65536, 0),
  lengthBytes: Uint32Array.of(PAGE, 512, PAGE, PAGE),
};

/** Its second event is 8 KiB at 12288. */
const DATA = { sector: Float64Array.of(0, 24), sectors: Uint32Array.of(8, 16) };

/** What PAGES (without its last entry) and one data write of 8 KiB at 12288 leave on a member. */
function expectedBytes(): Buffer {
  const bytes = Buffer.alloc(2 << 20);
  bytes.fill(3, 8192, 8192 + PAGE);
  bytes.fill(1, 16384, 16384 + 512);
  bytes.fill(4, 65536, 65536 + PAGE);
  bytes.fill(0x77, DATA_OFFSET + 12288, DATA_OFFSET + 12288 + 8192);
  return bytes;
}

interface Opener {
  readonly io: PageWriter["io"];
  readonly members: PageWriter["members"];
  readonly open: (options: PageWriterOptions) => PageWriter;
}
const OPENERS: readonly Opener[] = [
  { io: "psync", members: "serial", open: (options) => openPageWriter("psync", options) },
  { io: "uring", members: "parallel", open: (options) => openPageWriter("uring", options) },
];

function testBoth(name: string, body: (opener: Opener, t: TestContext) => void): void {
  for (const opener of OPENERS) test(`${opener.io}: ${name}`, (t) => body(opener, t));
}

for (const durability of ["preflush-fua", "fua", "none"] as const) {
  for (const dataSync of [false, true]) {
    testBoth(
      `${durability}${dataSync ? " with data sync" : ""}: every member gets exactly the listed bytes`,
      ({ open, io, members }, t) => {
        const directory = temporaryDirectory(t);
        const paths = ["a.img", "b.img"].map((name) => sparseFile(directory, name, 2 << 20));
        const writer = open(optionsFor(paths, durability, dataSync));
        t.after(() => writer.close());
        assert.deepEqual(
          { io: writer.io, members: writer.members, directIo: writer.directIo },
          { io, members, directIo: true },
        );
        writer.writePages(PAGES, 3);
        writer.writeData(DATA, 1, 1, new Float64Array(1));
        for (const path of paths) assert.ok(readFileSync(path).equals(expectedBytes()), path);
      },
    );
  }
}

/**
 * How often the kernel flushes a loop device, which knows no FUA, for one write: before it, and behind it. Behind a blocking write of a
 * block device with O_DSYNC it flushes twice: for the write's FUA, and in generic_write_sync.
 */
const FLUSHES = [
  { durability: "none", dataSync: false, before: 0, pages: 0, data: 0 },
  { durability: "fua", dataSync: false, before: 0, pages: 1, data: 0 },
  { durability: "preflush-fua", dataSync: false, before: 1, pages: 1, data: 0 },
  { durability: "none", dataSync: true, before: 0, pages: 0, data: 1 },
] as const;
const FLUSHES_BEHIND = { uring: 1, psync: 2 } as const;

testBoth(
  "every write flushes its device as often as its durability promises, and no more",
  ({ open, io }, t) => {
    const reason = whyNoBlockDevices("losetup");
    if (reason !== undefined) return t.skip(reason);
    const device = loopDevice(t, sparseFile(temporaryDirectory(t), "backing.img", 2 << 20));
    for (const { durability, dataSync, before, pages, data } of FLUSHES) {
      const writer = open(optionsFor([device], durability, dataSync));
      const count = (write: () => void) => {
        const before = flushesOf(device);
        for (let call = 0; call < 5; call++) write();
        return flushesOf(device) - before;
      };
      const counted = {
        pages: count(() => writer.writePages(PAGES, 1)),
        data: count(() => writer.writeData(DATA, 1, 1, new Float64Array(1))),
      };
      writer.close();
      const behind = FLUSHES_BEHIND[io];
      assert.deepEqual(
        counted,
        { pages: 5 * (before + behind * pages), data: 5 * behind * data },
        `${durability}, data sync ${dataSync}`,
      );
    }
  },
);

/** Flushes that the device has completed (Documentation/block/stat.rst). */
function flushesOf(device: string): number {
  const fields = readFileSync(`/sys/block/${basename(device)}/stat`, "utf8")
    .trim()
    .split(/\s+/);
  return Number(fields[15]);
}

testBoth(
  "a filesystem without O_DIRECT is written through the page cache, and the writer says so",
  ({ open }, t) => {
    const reason = whyNoBlockDevices();
    if (reason !== undefined) return t.skip(reason);
    const directory = temporaryDirectory(t);
    mount(t, "-t", "ramfs", "none", directory);
    const path = sparseFile(directory, "a.img", 2 << 20);
    const writer = open(optionsFor([path], "preflush-fua"));
    assert.equal(writer.directIo, false);
    writer.writePages(PAGES, 3);
    writer.writeData(DATA, 1, 1, new Float64Array(1));
    assert.ok(readFileSync(path).equals(expectedBytes()));
    writer.close();
  },
);

testBoth("a member that is gone is a device error that names it", ({ open }, t) => {
  const path = join(temporaryDirectory(t), "absent.img");
  assert.throws(
    () => open(optionsFor([path], "fua")),
    (error) =>
      error instanceof SlotmarkError &&
      error.kind === "device" &&
      error.code === "member-failed" &&
      error.message === `member ${path}: opening failed: no such file or directory (ENOENT)`,
  );
});

testBoth("a write that the system refuses names member, offset, length and errno", ({ open }, t) => {
  const directory = temporaryDirectory(t);
  const path = sparseFile(directory, "a.img", 2 << 20);
  const writer = open(optionsFor([path], "fua"));
  t.after(() => writer.close());
  truncateSync(path, 0);
  const unaligned = { ...PAGES, offsetBytes: Float64Array.of(1000) };
  const error = new SlotmarkError(
    "device",
    "member-failed",
    `member ${path}: writing 4096 bytes at byte offset 1000 failed: invalid argument (EINVAL)`,
    "look at the kernel log (dmesg) for this device, then repeat the run or go on with --resume",
  );
  assert.deepEqual(
    writer.writePages(unaligned, 1).map(({ member, error }) => [member, error.message, error.remedy]),
    [[0, error.message, error.remedy]],
  );
});

/** Takes no byte (ENOSPC), and knows no fsync (EINVAL). */
const FULL = "/dev/full";

for (const [durability, how] of [
  ["preflush-fua", "flushing failed: invalid argument (EINVAL)"],
  ["fua", "writing 4096 bytes at byte offset 8192 failed: no space left on device (ENOSPC)"],
  ["none", "writing 4096 bytes at byte offset 8192 failed: no space left on device (ENOSPC)"],
] as const) {
  testBoth(
    `${durability}: a member that fails is told of once and gets nothing more; the others get everything`,
    ({ open }, t) => {
      const directory = temporaryDirectory(t);
      const paths = ["a.img", "b.img"].map((name) => sparseFile(directory, name, 2 << 20));
      const [a = "", b = ""] = paths;
      const writer = open(optionsFor([a, FULL, b], durability));
      t.after(() => writer.close());
      const failures = writer.writePages(PAGES, 3);
      assert.deepEqual(
        failures.map(({ member, error }) => [member, error.kind, error.message]),
        [[1, "device", `member ${FULL}: ${how}`]],
      );
      const completedNs = new Float64Array(1);
      assert.deepEqual(writer.writeData(DATA, 1, 1, completedNs), []);
      assert.deepEqual(writer.writePages(PAGES, 3), []);
      assert.ok((completedNs[0] ?? 0) > 0);
      for (const path of paths) assert.ok(readFileSync(path).equals(expectedBytes()), path);
    },
  );
}

testBoth("data that a member refuses goes to the others, each event with its time", ({ open }, t) => {
  const path = sparseFile(temporaryDirectory(t), "a.img", 8 << 20);
  const writer = open({ ...optionsFor([FULL, path], "none"), depth: 2 });
  t.after(() => writer.close());
  const count = 400;
  const sector = Float64Array.from({ length: count }, (_, index) => 8 * index);
  const events = { sector, sectors: new Uint32Array(count).fill(8) };
  const completedNs = new Float64Array(count);
  const failures = writer.writeData(events, 0, count, completedNs);
  assert.deepEqual(
    failures.map(({ member, error }) => [member, error.code]),
    [[0, "member-failed"]],
  );
  assert.ok(completedNs.every((atNs) => atNs > 0));
  assert.ok(
    readFileSync(path)
      .subarray(DATA_OFFSET, DATA_OFFSET + count * PAGE)
      .every((byte) => byte === 0x77),
  );
});

testBoth("a member that failed elsewhere is given up, and no member at all is left alone", ({ open }, t) => {
  const directory = temporaryDirectory(t);
  const paths = ["a.img", "b.img"].map((name) => sparseFile(directory, name, 2 << 20));
  const writer = open(optionsFor(paths, "fua"));
  t.after(() => writer.close());
  writer.giveUp(1);
  assert.deepEqual(writer.writePages(PAGES, 3), []);
  assert.deepEqual(writer.writeData(DATA, 1, 1, new Float64Array(1)), []);
  assert.ok(readFileSync(paths[0] ?? "").equals(expectedBytes()));
  assert.ok(readFileSync(paths[1] ?? "").every((byte) => byte === 0));
  writer.giveUp(0);
  const completedNs = new Float64Array(1);
  assert.deepEqual(writer.writePages(PAGES, 3), []);
  assert.deepEqual(writer.writeData(DATA, 1, 1, completedNs), []);
  assert.ok((completedNs[0] ?? 0) > 0);
});

testBoth("all members may fail in one call", ({ open }, t) => {
  const path = sparseFile(temporaryDirectory(t), "a.img", 2 << 20);
  const writer = open(optionsFor([FULL, path], "none"));
  t.after(() => writer.close());
  const failures = writer.writePages({ ...PAGES, offsetBytes: Float64Array.of(1000) }, 1);
  assert.deepEqual(failures.map(({ member }) => member).sort(), [0, 1]);
});

testBoth(
  "more pages and events than fit into one submission arrive all, each event with its time",
  ({ open }, t) => {
    const directory = temporaryDirectory(t);
    const paths = ["a.img", "b.img"].map((name) => sparseFile(directory, name, 8 << 20));
    const writer = open({ ...optionsFor(paths, "none"), depth: 3 });
    t.after(() => writer.close());
    const count = 400;
    const pages = {
      page: Uint32Array.from({ length: count }, (_, index) => index % 4),
      offsetBytes: Float64Array.from({ length: count }, (_, index) => index * PAGE),
      lengthBytes: new Uint32Array(count).fill(PAGE),
    };
    writer.writePages(pages, count);
    const events = {
      sector: Float64Array.from({ length: count }, (_, index) => 8 * (2 * index + 512)),
      sectors: new Uint32Array(count).fill(8),
    };
    const completedNs = new Float64Array(count);
    const fromNs = monotonicNs();
    writer.writeData(events, 0, count, completedNs);
    const untilNs = monotonicNs();
    assert.ok(completedNs.every((at) => at >= fromNs && at <= untilNs));
    const expected = Buffer.alloc(8 << 20);
    for (let index = 0; index < count; index++) {
      expected.fill((index % 4) + 1, index * PAGE, (index + 1) * PAGE);
      const offset = DATA_OFFSET + (2 * index + 512) * PAGE;
      expected.fill(0x77, offset, offset + PAGE);
    }
    for (const path of paths) assert.ok(readFileSync(path).equals(expected), path);
  },
);

testBoth("each call reads the list that it is given, as it is then", ({ open }, t) => {
  const path = sparseFile(temporaryDirectory(t), "a.img", 2 << 20);
  const writer = open(optionsFor([path], "none"));
  t.after(() => writer.close());
  const list = (page: number, offset: number) => ({
    page: Uint32Array.of(page),
    offsetBytes: Float64Array.of(offset),
    lengthBytes: Uint32Array.of(PAGE),
  });
  const [first, second] = [list(0, 0), list(1, PAGE)];
  writer.writePages(first, 1);
  writer.writePages(second, 1);
  first.page[0] = 2;
  first.offsetBytes[0] = 2 * PAGE;
  writer.writePages(first, 1);
  const event = (sector: number) => ({ sector: Float64Array.of(sector), sectors: Uint32Array.of(8) });
  const [early, late] = [new Float64Array(1), new Float64Array(1)];
  writer.writeData(event(0), 0, 1, early);
  writer.writeData(event(16), 0, 1, late);
  assert.ok((early[0] ?? 0) > 0 && (late[0] ?? 0) >= (early[0] ?? 0));
  const expected = Buffer.alloc(2 << 20);
  for (const page of [0, 1, 2]) expected.fill(page + 1, page * PAGE, (page + 1) * PAGE);
  for (const sector of [0, 16])
    expected.fill(0x77, DATA_OFFSET + sector * 512, DATA_OFFSET + sector * 512 + PAGE);
  assert.ok(readFileSync(path).equals(expected));
});

testBoth("a list shorter than its count is refused before anything is written", ({ open }, t) => {
  const path = sparseFile(temporaryDirectory(t), "a.img", 2 << 20);
  const writer = open(optionsFor([path], "none"));
  t.after(() => writer.close());
  assert.throws(() => writer.writePages(PAGES, 5), /shorter than its count/);
  assert.throws(() => writer.writeData(DATA, 0, 3, new Float64Array(3)), /fewer than asked/);
  assert.throws(() => writer.writeData(DATA, 0, 2, new Float64Array(1)), /fewer than asked/);
  assert.ok(readFileSync(path).equals(Buffer.alloc(2 << 20)));
  writer.close();
  assert.throws(() => writer.writePages(PAGES, 1), /has been closed/);
});
