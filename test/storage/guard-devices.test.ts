/**
 * The guard on real block devices. Each case proves that not a byte changed; what is in use stays refused under
 * `--destroy` (assertNeverTaken).
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { crc32 } from "node:zlib";
import { openMembers } from "../../src/storage/open-members.js";
import {
  clusteredFile,
  loopDevice,
  mount,
  run,
  sparseFile,
  temporaryDirectory,
  undoAfter,
  whyNoBlockDevices,
} from "./machine.js";
import { assertNeverTaken, assertPasses, assertUntouched, refusal, request } from "./refusals.js";

const MIB = 1 << 20;
const EXT4 = ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"];

function guardTest(name: string, commands: string[], body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const reason = whyNoBlockDevices("losetup", ...commands);
    if (reason !== undefined) return t.skip(reason);
    await body(t);
  });
}

/** A process that prints a line once it stands, ended with its test. */
async function background(t: TestContext, command: string, ...options: string[]): Promise<number> {
  const child = spawn(command, options, { stdio: ["pipe", "pipe", "inherit"] });
  undoAfter(t, () => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

/** Opens `path` in another process with Node's flag names and keeps it open. */
async function heldOpen(t: TestContext, path: string, flags: string): Promise<number> {
  const script = `const { openSync, constants: { ${flags.replaceAll("|", ",")} } } = require("node:fs");
    openSync(process.argv[1], ${flags}); console.log("open"); setInterval(() => {}, 1e9);`;
  return background(t, process.execPath, "-e", script, path);
}

guardTest("a clean loop device passes and is held exclusively while it is open", [], async (t) => {
  const loop = loopDevice(t, sparseFile(temporaryDirectory(t), "disk.img", 16 * MIB));
  const [member] = await openMembers(request([loop]));
  assert.ok(member !== undefined);
  assert.deepEqual(
    { kind: member.kind, sizeBytes: member.sizeBytes, created: member.created },
    { kind: "block", sizeBytes: 16 * MIB, created: false },
  );
  await assertUntouched(loop, request([loop]), "member-busy", /exclusive access/);
  member.close();
  await assertPasses(request([loop]));
});

guardTest("a mounted ext4", ["mkfs.ext4"], async (t) => {
  const directory = temporaryDirectory(t);
  const loop = loopDevice(t, sparseFile(directory, "disk.img", 16 * MIB));
  run("mkfs.ext4", ...EXT4, loop);
  const mountPoint = join(directory, "mounted");
  mkdirSync(mountPoint);
  // Read-only: a filesystem that is mounted for writing writes by itself from time to time.
  mount(t, "-o", "ro", loop, mountPoint);
  await assertNeverTaken(loop, "member-mounted", /in use: mounted on .*mounted \(ext4\)/);
});

guardTest(
  "a filesystem mounted in another namespace, which no table here shows",
  ["mkfs.ext4"],
  async (t) => {
    const directory = temporaryDirectory(t);
    const loop = loopDevice(t, sparseFile(directory, "disk.img", 16 * MIB));
    run("mkfs.ext4", ...EXT4, loop);
    const script = `mount -o ro "$0" "$1" && echo mounted && exec sleep 1000`;
    await background(t, "unshare", "--mount", "sh", "-c", script, loop, directory);
    await assertNeverTaken(loop, "member-busy", /exclusive access/);
  },
);

guardTest("active swap", ["mkswap", "swapon"], async (t) => {
  const loop = loopDevice(t, sparseFile(temporaryDirectory(t), "disk.img", 16 * MIB));
  run("mkswap", loop);
  await assertUntouched(loop, request([loop]), "member-signature", /swap at byte/);
  run("swapon", "--priority", "0", loop);
  undoAfter(t, () => run("swapoff", loop));
  await assertNeverTaken(loop, "member-swap", /in use: active swap/);
});

guardTest("a file that is active swap", ["mkswap", "swapon"], async (t) => {
  const file = join(temporaryDirectory(t), "swap.img");
  writeFileSync(file, Buffer.alloc(16 * MIB));
  chmodSync(file, 0o600);
  run("mkswap", file);
  run("sync", file);
  run("swapon", "--priority", "0", file);
  undoAfter(t, () => run("swapoff", file));
  await assertNeverTaken(file, "member-swap", /in use: active swap/);
});

guardTest("the second device of a mounted btrfs", ["mkfs.btrfs"], async (t) => {
  const directory = temporaryDirectory(t);
  const loops = ["one.img", "two.img"].map((name) => loopDevice(t, sparseFile(directory, name, 128 * MIB)));
  run("mkfs.btrfs", "--quiet", "--force", ...loops);
  const mountPoint = join(directory, "mounted");
  mkdirSync(mountPoint);
  mount(t, loops[0] ?? "", mountPoint);
  run("sync", "-f", mountPoint);
  for (const loop of loops) await assertNeverTaken(loop, "member-mounted", /btrfs/);
});

guardTest("an ext4 signature, which --destroy gives up", ["mkfs.ext4"], async (t) => {
  const loop = loopDevice(t, sparseFile(temporaryDirectory(t), "disk.img", 16 * MIB));
  run("mkfs.ext4", ...EXT4, loop);
  await assertUntouched(loop, request([loop]), "member-signature", /carries ext4 at byte 1080/);
  await assertPasses(request([loop], { destroy: [loop] }));
});

guardTest("the bytes of a GPT without partition nodes", [], async (t) => {
  const file = sparseFile(temporaryDirectory(t), "disk.img", 16 * MIB);
  writeGpt(file, 16 * MIB);
  const loop = loopDevice(t, file);
  await assertUntouched(loop, request([loop]), "member-partitioned", /partitioned disk \(gpt at byte 512/);
  await assertPasses(request([loop], { destroy: [loop] }));
});

guardTest("partition nodes without a table's bytes, and what their use means", ["addpart"], async (t) => {
  const directory = temporaryDirectory(t);
  const loop = loopDevice(t, sparseFile(directory, "disk.img", 32 * MIB));
  for (const [number, startSectors] of [
    [1, 2048],
    [2, 34816],
  ]) {
    run("addpart", loop, `${number}`, `${startSectors}`, "20480");
    undoAfter(t, () => run("delpart", loop, `${number}`));
  }
  const [first, second] = [`${loop}p1`, `${loop}p2`];
  await assertUntouched(
    loop,
    request([loop]),
    "member-partitioned",
    /whole of a partitioned disk \(loop\d+p1, loop\d+p2\)/,
  );
  await assertPasses(request([first, second])); // two partitions do not overlap
  await assertUntouched(loop, request([first, loop]), "member-duplicate", /same storage/);

  run("mkfs.ext4", ...EXT4, first);
  const mountPoint = join(directory, "mounted");
  mkdirSync(mountPoint);
  mount(t, first, mountPoint);
  run("sync", "-f", mountPoint);
  await assertNeverTaken(loop, "member-mounted", /loop\d+p1 is mounted on/);
  await assertNeverTaken(first, "member-mounted", /in use: mounted on/);
  await assertPasses(request([second]));
});

guardTest("a partition of a disk that is in use as a whole", ["addpart", "mkfs.ext4"], async (t) => {
  const directory = temporaryDirectory(t);
  const loop = loopDevice(t, sparseFile(directory, "disk.img", 32 * MIB));
  run("mkfs.ext4", ...EXT4, loop);
  run("addpart", loop, "1", "2048", "20480");
  undoAfter(t, () => run("delpart", loop, "1"));
  const mountPoint = join(directory, "mounted");
  mkdirSync(mountPoint);
  mount(t, loop, mountPoint);
  run("sync", "-f", mountPoint);
  await assertNeverTaken(`${loop}p1`, "member-mounted", /loop\d+ is mounted on/);
});

guardTest("a regular file that backs a loop device, by any of its names", [], async (t) => {
  const directory = temporaryDirectory(t);
  const file = sparseFile(directory, "disk.img", 16 * MIB);
  const loop = loopDevice(t, file);
  run("ln", file, join(directory, "hard"));
  run("ln", "-s", file, join(directory, "soft"));
  for (const name of ["disk.img", "hard", "soft"]) {
    await assertNeverTaken(join(directory, name), "member-loop", /the file behind \/dev\/loop\d+/);
  }
  await assertUntouched(file, request([loop, file]), "member-duplicate", /same storage/);
});

guardTest("a loop device whose ground is in use past it", ["mkfs.ext4"], async (t) => {
  const directory = temporaryDirectory(t);
  const file = sparseFile(directory, "disk.img", 16 * MIB);
  run("mkfs.ext4", ...EXT4, file);
  const [mounted, other] = [loopDevice(t, file), loopDevice(t, file)];
  await assertNeverTaken(other, "member-loop", /stands, is the file behind \/dev\/loop\d+/);
  const nested = loopDevice(t, mounted);
  await assertNeverTaken(mounted, "member-loop", /the device behind \/dev\/loop\d+/);
  const mountPoint = join(directory, "mounted");
  mkdirSync(mountPoint);
  mount(t, "-o", "ro", mounted, mountPoint);
  await assertNeverTaken(nested, "member-mounted", /stands, is mounted on/);
});

guardTest("a device or file that another process has open", [], async (t) => {
  const directory = temporaryDirectory(t);
  const file = sparseFile(directory, "file.img", 16 * MIB);
  const [reader, writer, exclusive] = ["r.img", "w.img", "x.img"].map((name) =>
    loopDevice(t, sparseFile(directory, name, 16 * MIB)),
  );
  assert.ok(reader !== undefined && writer !== undefined && exclusive !== undefined);
  await heldOpen(t, reader, "O_RDONLY");
  await assertPasses(request([reader])); // udev, smartd and multipathd read all the time
  const writing = await heldOpen(t, writer, "O_RDWR");
  await assertNeverTaken(writer, "member-open", new RegExp(`open in process ${writing} \\(node`));
  await heldOpen(t, exclusive, "O_RDONLY|O_EXCL");
  await assertNeverTaken(exclusive, "member-busy", /exclusive access/);
  const holding = await heldOpen(t, file, "O_RDONLY");
  await assertNeverTaken(file, "member-open", new RegExp(`open in process ${holding} \\(node`));
});

guardTest("a file that is mapped, though no process has a descriptor of it", [], async (t) => {
  const file = join(temporaryDirectory(t), "library.img");
  const library = run("ldd", "/bin/sh").match(/\/\S*libc\.so\S*/)?.[0] ?? "";
  copyFileSync(library, file);
  const script = "echo started; read -r line";
  await background(t, "env", `LD_PRELOAD=${file}`, "sh", "-c", script);
  const asked = request([file], { destroy: [file] });
  await assertUntouched(file, asked, "member-open", /something that \/proc does not show/);
});

guardTest("devices that take no bytes", [], async (t) => {
  const directory = temporaryDirectory(t);
  const loop = loopDevice(t, sparseFile(directory, "disk.img", 16 * MIB), "--read-only");
  await assertNeverTaken(loop, "member-read-only", /read-only/);
  const empty = loopDevice(t, sparseFile(directory, "empty.img", 0));
  await assertNeverTaken(empty, "member-empty-device", /no size/);
});

guardTest("a refused member leaves the others as they were", ["mkfs.ext4"], async (t) => {
  const directory = temporaryDirectory(t);
  const good = loopDevice(t, sparseFile(directory, "good.img", 16 * MIB));
  const bad = loopDevice(t, sparseFile(directory, "bad.img", 16 * MIB));
  run("mkfs.ext4", ...EXT4, bad);
  const asked = request([good, join(directory, "new.img"), bad], { createSizeBytes: 16 * MIB });
  await assertUntouched(good, asked, "member-signature", new RegExp(`member ${bad} `));
  assert.throws(() => truncateSync(join(directory, "new.img"), 0), /ENOENT/);
  await assertPasses(request([good]));
});

guardTest("a clustered member that another process keeps writing", ["dd"], async (t) => {
  const directory = temporaryDirectory(t);
  const quiet = clusteredFile(directory, "quiet.img", "a");
  const file = clusteredFile(directory, "busy.img", "b");
  const loop = loopDevice(t, clusteredFile(directory, "device.img", "a"));
  // Slot 1, as the other node's daemon would; each write opens and closes, so that nothing local shows it.
  const script = `echo started; while :; do for to in "$@"; do
      head -c 512 /dev/urandom | dd of="$to" bs=512 seek=25 conv=notrunc status=none; done; sleep 0.2; done`;
  await background(t, "sh", "-c", script, "sh", file, loop);
  for (const [busy, destroy] of [
    [file, []],
    [loop, [loop]],
  ] as const) {
    const asked = request([quiet, busy], { watch: true, existingArray: "keep", destroy });
    const error = await refusal(asked);
    assert.equal(error.code, "member-in-use-by-other-host");
    assert.match(error.message, new RegExp(`member ${busy} is in use by another host: bytes 0 to `));
  }
});

guardTest("a quiet clustered member passes, and is told to be no proof", [], async (t) => {
  const directory = temporaryDirectory(t);
  const legs = [clusteredFile(directory, "a.img", "a"), clusteredFile(directory, "b.img", "b")];
  const notices: string[] = [];
  const onNotice = (text: string) => notices.push(text);
  await assertPasses(request(legs, { watch: true, existingArray: "keep", onNotice }));
  assert.equal(notices.length, 2);
  assert.match(notices[0] ?? "", /watching .*a\.img, .*b\.img for 4 s.*--no-watch/);
  assert.match(notices[1] ?? "", /no proof/);
});

/** A valid GPT with one partition (UEFI 2.10, 5.2.3 and 5.3), primary only; the prober knows it by its checksums. */
function writeGpt(path: string, sizeBytes: number): void {
  const lastSector = sizeBytes / 512 - 1;
  const table = Buffer.alloc(34 * 512);
  table.writeUInt8(0xee, 446 + 4); // protective MBR: one partition over everything
  table.writeUInt32LE(1, 446 + 8);
  table.writeUInt32LE(lastSector, 446 + 12);
  table.writeUInt16LE(0xaa55, 510);
  const entries = table.subarray(2 * 512);
  Buffer.from("af3dc60f838472478e793d69d8477de4", "hex").copy(entries, 0); // Linux filesystem data
  entries.writeUInt8(1, 16);
  entries.writeBigUInt64LE(2048n, 32);
  entries.writeBigUInt64LE(4095n, 40);
  const header = table.subarray(512, 512 + 92);
  header.write("EFI PART", 0, "latin1");
  header.writeUInt32LE(0x00010000, 8);
  header.writeUInt32LE(92, 12);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(lastSector), 32);
  header.writeBigUInt64LE(34n, 40);
  header.writeBigUInt64LE(BigInt(lastSector - 33), 48);
  header.writeUInt8(2, 56);
  header.writeBigUInt64LE(2n, 72);
  header.writeUInt32LE(128, 80);
  header.writeUInt32LE(128, 84);
  header.writeUInt32LE(crc32(entries), 88);
  header.writeUInt32LE(crc32(header), 16);
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, table, 0, table.length, 0);
  closeSync(descriptor);
}
