/**
 * Devices that fail in the middle: an error of kind `device` that names member, offset and errno, and files on a full
 * filesystem: refused as such.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { directMemory } from "../../src/storage/direct-memory.js";
import type { Member } from "../../src/storage/member.js";
import { openMembers } from "../../src/storage/open-members.js";
import { openPageWriter } from "../../src/storage/open-page-writer.js";
import { primeRanges } from "../../src/storage/prime.js";
import {
  loopDevice,
  mount,
  run,
  sparseFile,
  temporaryDirectory,
  whyNoBlockDevices,
  zramDevice,
} from "./machine.js";
import { request } from "./refusals.js";

const MIB = 1 << 20;

function failureTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const reason = whyNoBlockDevices("losetup", "zram");
    if (reason !== undefined) return t.skip(reason);
    await body(t);
  });
}

/** Writes a megabyte of noise after the other to the member, as data, until it fails. */
function writeUntilFailure(path: string, sizeBytes: number, durability: "fua" | "none"): SlotmarkError {
  const memory = directMemory(2 * MIB);
  crypto.getRandomValues(memory.subarray(0, 65536));
  for (let at = 65536; at < 2 * MIB; at *= 2) memory.copyWithin(at, 0, at);
  const writer = openPageWriter("psync", {
    members: [{ path, dataOffsetBytes: 0 }],
    memory,
    imageOffsetBytes: 0,
    imageBytes: 4096,
    payloadOffsetBytes: 0,
    payloadBytes: MIB,
    depth: 0,
    durability,
    dataSync: true,
  });
  try {
    for (let offset = 0; offset < sizeBytes; offset += MIB) {
      const event = { sector: Float64Array.of(offset / 512), sectors: Uint32Array.of(MIB / 512) };
      const [failure] = writer.writeData(event, 0, 1, new Float64Array(1));
      if (failure !== undefined) return failure.error;
    }
  } finally {
    writer.close();
  }
  assert.fail("the device took everything");
}

function assertMemberFailed(error: unknown, path: string, errno: RegExp): void {
  assert.ok(error instanceof SlotmarkError, String(error));
  assert.equal(error.kind, "device");
  assert.equal(error.code, "member-failed");
  assert.match(error.message, errno);
  assert.match(
    error.message,
    new RegExp(`^member ${path}: (writing \\d+ bytes at byte offset \\d+|flushing) failed`),
  );
}

/** Opens the member, runs `body`, closes it: its device must be free again before it is detached. */
async function withMember(path: string, body: (member: Member) => Promise<void>): Promise<void> {
  const [member] = await openMembers(request([path], { createSizeBytes: 64 * MIB }));
  assert.ok(member !== undefined);
  try {
    await body(member);
  } finally {
    member.close();
  }
}

failureTest("a loop device on a full tmpfs", async (t) => {
  const directory = temporaryDirectory(t);
  mount(t, "-t", "tmpfs", "-o", "size=8M", "none", directory);
  const loop = loopDevice(t, sparseFile(directory, "disk.img", 64 * MIB));
  assertMemberFailed(writeUntilFailure(loop, 64 * MIB, "fua"), loop, /\((ENOSPC|EIO)\)$/);
  await withMember(loop, async (member) => {
    const priming = primeRanges(member, [{ offsetBytes: 0, lengthBytes: 64 * MIB }]);
    assertMemberFailed(await priming.catch((error: unknown) => error), loop, /\((ENOSPC|EIO)\)$/);
  });
});

failureTest("a loop device that shrinks", async (t) => {
  const file = sparseFile(temporaryDirectory(t), "disk.img", 64 * MIB);
  const loop = loopDevice(t, file);
  await withMember(loop, async (member) => {
    truncateSync(file, 8 * MIB);
    run("losetup", "--set-capacity", loop);
    const error = writeUntilFailure(loop, 64 * MIB, "none");
    assertMemberFailed(
      error,
      loop,
      /at byte offset 8388608 failed: .*(ENOSPC|the device took no more bytes)/,
    );
    const priming = primeRanges(member, [{ offsetBytes: 0, lengthBytes: 64 * MIB }]);
    assertMemberFailed(await priming.catch((reason: unknown) => reason), loop, /byte offset 8388608/);
  });
});

failureTest("a zram device at its memory limit", async (t) => {
  const zram = zramDevice(t, 64 * MIB, 4 * MIB);
  const error = writeUntilFailure(zram, 64 * MIB, "fua");
  assertMemberFailed(error, zram, /\((EIO|ENOMEM)\)$/);
  await withMember(zram, async (member) => {
    const noise = [{ offsetBytes: 0, lengthBytes: 64 * MIB, content: "noise" as const }];
    const priming = primeRanges(member, noise);
    assertMemberFailed(await priming.catch((cause: unknown) => cause), zram, /\((EIO|ENOMEM)\)$/);
  });
});

failureTest("a file on a full filesystem is refused, not reported as a broken device", async (t) => {
  const directory = temporaryDirectory(t);
  mount(t, "-t", "tmpfs", "-o", "size=8M", "none", directory);
  await withMember(join(directory, "a.img"), async (member) => {
    const priming = primeRanges(member, [{ offsetBytes: 0, lengthBytes: 64 * MIB }]);
    const error = await priming.catch((cause: unknown) => cause);
    assert.ok(error instanceof SlotmarkError);
    assert.deepEqual({ kind: error.kind, code: error.code }, { kind: "refused", code: "no-space" });
    assert.match(error.message, /its filesystem was full at byte offset \d+/);
  });
});

test("priming writes exactly the ranges, the same bytes on every member, and reports its progress", async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, "sub"));
  const members = await openMembers(
    request([join(directory, "a.img"), join(directory, "sub/b.img")], { createSizeBytes: 16 * MIB }),
  );
  const ranges = [
    { offsetBytes: 0, lengthBytes: 4096 },
    { offsetBytes: MIB, lengthBytes: 9 * MIB, content: "noise" as const },
    { offsetBytes: 15 * MIB + 100, lengthBytes: 1000 }, // not aligned: through the page cache
  ];
  for (const member of members) {
    const progress: number[] = [];
    await primeRanges(member, ranges, (doneBytes) => progress.push(doneBytes));
    assert.equal(progress.at(-1), 4096 + 9 * MIB + 1000);
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    );
    const { blocks, size } = statSync(member.path);
    assert.equal(size, 16 * MIB);
    assert.ok(blocks * 512 >= 9 * MIB && blocks * 512 < 10 * MIB, `${blocks} blocks`);
    member.close();
  }
  const [a, b] = members.map(({ path }) => readFileSync(path));
  assert.ok(a !== undefined && b !== undefined);
  assert.ok(a.equals(b));
  const zero = (from: number, to: number) => a.subarray(from, to).every((byte) => byte === 0);
  assert.ok(zero(0, MIB) && zero(10 * MIB, 16 * MIB));
  assert.ok(new Set(a.subarray(MIB, MIB + 65536)).size === 256);
});

test("priming stops when it is told to", async (t) => {
  const path = join(temporaryDirectory(t), "a.img");
  await withMember(path, async (member) => {
    const stop = new AbortController();
    const ranges = [{ offsetBytes: 0, lengthBytes: 64 * MIB }];
    const priming = primeRanges(member, ranges, () => stop.abort(), stop.signal);
    await assert.rejects(priming, { name: "AbortError" });
    assert.ok(statSync(path).blocks * 512 < 64 * MIB);
  });
});
