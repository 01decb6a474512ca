import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { directMemory } from "../../src/storage/direct-memory.js";
import type { Durability, PageWriterOptions } from "../../src/storage/page-writer.js";
import { openPsyncWriter } from "../../src/storage/psync-writer.js";
import { mount, sparseFile, temporaryDirectory, whyNoBlockDevices } from "./machine.js";

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
    payloadOffsetBytes: PAYLOAD_OFFSET,
    durability,
    dataSync,
  };
}

const PAGES = {
  page: Uint32Array.of(2, 0, 3, 1),
  offsetBytes: Float64Array.of(8192, 16384, 65536, 0),
  lengthBytes: Uint32Array.of(PAGE, 512, PAGE, PAGE),
};

/** What PAGES (without its last entry) and one data write of 8 KiB at 12288 leave on a member. */
function expectedBytes(): Buffer {
  const bytes = Buffer.alloc(2 << 20);
  bytes.fill(3, 8192, 8192 + PAGE);
  bytes.fill(1, 16384, 16384 + 512);
  bytes.fill(4, 65536, 65536 + PAGE);
  bytes.fill(0x77, DATA_OFFSET + 12288, DATA_OFFSET + 12288 + 8192);
  return bytes;
}

for (const durability of ["preflush-fua", "fua", "none"] as const) {
  for (const dataSync of [false, true]) {
    test(`${durability}${dataSync ? " with data sync" : ""}: every member gets exactly the listed bytes`, (t) => {
      const directory = temporaryDirectory(t);
      const paths = ["a.img", "b.img"].map((name) => sparseFile(directory, name, 2 << 20));
      const writer = openPsyncWriter(optionsFor(paths, durability, dataSync));
      t.after(() => writer.close());
      assert.deepEqual(
        { io: writer.io, members: writer.members, directIo: writer.directIo },
        { io: "psync", members: "serial", directIo: true },
      );
      writer.writePages(PAGES, 3);
      writer.writeData(12288, 8192);
      for (const path of paths) assert.ok(readFileSync(path).equals(expectedBytes()), path);
    });
  }
}

test("the descriptors carry exactly the flags that the durability promises", (t) => {
  const directory = temporaryDirectory(t);
  const path = sparseFile(directory, "a.img", 2 << 20);
  const promised: [Durability, boolean, string[]][] = [
    ["preflush-fua", false, ["direct", "direct dsync"]],
    ["fua", true, ["direct dsync", "direct dsync"]],
    ["none", false, ["direct", "direct"]],
  ];
  for (const [durability, dataSync, flags] of promised) {
    const writer = openPsyncWriter(optionsFor([path], durability, dataSync));
    assert.deepEqual(openFlags(path), flags, durability);
    writer.close();
    assert.deepEqual(openFlags(path), []);
  }
});

/** The flags of this process's own descriptors on `path`, as the kernel tells them. */
function openFlags(path: string): string[] {
  const found: string[] = [];
  for (const descriptor of readdirSync("/proc/self/fd")) {
    if (targetOf(descriptor) !== path) continue;
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    const flags = Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? "", 8);
    found.push([flags & 0o40000 ? "direct" : "", flags & 0o10000 ? "dsync" : ""].filter(Boolean).join(" "));
  }
  return found.sort();
}

/** Other threads of this process open and close descriptors meanwhile, and so does listing them. */
function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

test("a filesystem without O_DIRECT is written through the page cache, and the writer says so", (t: TestContext) => {
  const reason = whyNoBlockDevices();
  if (reason !== undefined) return t.skip(reason);
  const directory = temporaryDirectory(t);
  mount(t, "-t", "ramfs", "none", directory);
  const path = sparseFile(directory, "a.img", 2 << 20);
  const writer = openPsyncWriter(optionsFor([path], "preflush-fua"));
  assert.equal(writer.directIo, false);
  writer.writePages(PAGES, 3);
  writer.writeData(12288, 8192);
  assert.ok(readFileSync(path).equals(expectedBytes()));
  writer.close();
});

test("a member that is gone is a device error that names it", (t) => {
  const path = join(temporaryDirectory(t), "absent.img");
  assert.throws(
    () => openPsyncWriter(optionsFor([path], "fua")),
    (error) =>
      error instanceof SlotmarkError &&
      error.kind === "device" &&
      error.code === "member-failed" &&
      error.message === `member ${path}: opening failed: no such file or directory (ENOENT)`,
  );
});

test("a write that the system refuses names member, offset, length and errno", (t) => {
  const directory = temporaryDirectory(t);
  const path = sparseFile(directory, "a.img", 2 << 20);
  const writer = openPsyncWriter(optionsFor([path], "fua"));
  t.after(() => writer.close());
  truncateSync(path, 0);
  const unaligned = { ...PAGES, offsetBytes: Float64Array.of(1000) };
  assert.throws(
    () => writer.writePages(unaligned, 1),
    new SlotmarkError(
      "device",
      "member-failed",
      `member ${path}: writing 4096 bytes at byte offset 1000 failed: invalid argument (EINVAL)`,
      "look at the kernel log (dmesg) for this device, then repeat the run or go on with --resume",
    ),
  );
});
