import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  MD_SUPERBLOCK_AREA_BYTES,
  parseMdSuperblock,
  serializeMdSuperblock,
  withChecksum,
} from "../../src/ondisk/md-superblock.js";
import type { OpenMembersRequest } from "../../src/storage/member.js";
import { openMembers } from "../../src/storage/open-members.js";
import { clusteredFile, fileState, run, sparseFile, temporaryDirectory } from "./machine.js";
import { refusal, request } from "./refusals.js";

const SIZE = 8 << 20;

/** Asserts that the request is refused with `code` and that neither files nor names changed. */
async function assertRefused(
  t: TestContext,
  directory: string,
  asked: OpenMembersRequest,
  code: string,
  text: RegExp,
): Promise<void> {
  const names = readdirSync(directory).sort();
  const regular = names.filter((name) => existsSync(join(directory, name)) && name.endsWith(".img"));
  const before = regular.map((name) => fileState(join(directory, name)));
  const error = await refusal(asked);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, text);
  t.diagnostic(error.message);
  assert.deepEqual(readdirSync(directory).sort(), names);
  assert.deepEqual(
    regular.map((name) => fileState(join(directory, name))),
    before,
  );
}

test("absent files are made sparse, in the order asked, and stay when closed", async (t) => {
  const directory = temporaryDirectory(t);
  const paths = [join(directory, "b.img"), join(directory, "a.img")];
  const members = await openMembers(request(paths, { createSizeBytes: SIZE }));
  assert.deepEqual(
    members.map(({ path, kind, sizeBytes, created }) => ({ path, kind, sizeBytes, created })),
    paths.map((path) => ({ path, kind: "file", sizeBytes: SIZE, created: true })),
  );
  for (const member of members) {
    assert.ok(member.logicalBlockBytes >= 512);
    member.close();
    member.close(); // harmless
  }
  assert.equal(fileState(paths[0] ?? "").blocks, 0);
});

test("an empty file gets its length; a file that is one hole is taken as it is", async (t) => {
  const directory = temporaryDirectory(t);
  const empty = sparseFile(directory, "empty.img", 0);
  const hole = sparseFile(directory, "hole.img", 2 * SIZE);
  const members = await openMembers(request([empty, hole], { createSizeBytes: SIZE }));
  assert.deepEqual(
    members.map(({ sizeBytes, created }) => ({ sizeBytes, created })),
    [
      { sizeBytes: SIZE, created: false },
      { sizeBytes: 2 * SIZE, created: false },
    ],
  );
  for (const member of members) member.close();
});

test("a path that is missing, or empty, is an error where no length is known", async (t) => {
  const directory = temporaryDirectory(t);
  const absent = join(directory, "absent.img");
  await assertRefused(t, directory, request([absent]), "member-missing", /absent\.img does not exist/);
  const empty = sparseFile(directory, "empty.img", 0);
  await assertRefused(t, directory, request([empty]), "member-empty", /empty file/);
  const deep = join(directory, "no/such/directory.img");
  await assertRefused(
    t,
    directory,
    request([deep], { createSizeBytes: SIZE }),
    "member-unreachable",
    /no such file or directory/,
  );
});

test("what is neither file nor block device is refused without being opened", async (t) => {
  const directory = temporaryDirectory(t);
  const fifo = join(directory, "fifo");
  run("mkfifo", fifo);
  mkdirSync(join(directory, "sub"));
  symlinkSync(join(directory, "nowhere"), join(directory, "dangling"));
  const cases: [string, string, RegExp][] = [
    [join(directory, "sub"), "member-not-storage", /a directory/],
    ["/dev/null", "member-not-storage", /a character device/],
    [fifo, "member-not-storage", /a fifo/],
    [join(directory, "dangling"), "member-dangling-link", /leads nowhere/],
  ];
  for (const [path, code, text] of cases) {
    const other = join(directory, "other.img");
    await assertRefused(t, directory, request([other, path], { createSizeBytes: SIZE }), code, text);
  }
});

test("one thing under two names is refused", async (t) => {
  const directory = temporaryDirectory(t);
  const file = sparseFile(directory, "a.img", SIZE);
  symlinkSync(file, join(directory, "soft"));
  linkSync(file, join(directory, "hard"));
  mkdirSync(join(directory, "sub"));
  for (const name of ["a.img", "soft", "hard", "sub/../a.img"]) {
    const asked = request([file, `${directory}/${name}`]);
    await assertRefused(t, directory, asked, "member-duplicate", /named twice|same storage/);
  }
  const absent = [join(directory, "new.img"), `${directory}/sub/../new.img`];
  await assertRefused(
    t,
    directory,
    request(absent, { createSizeBytes: SIZE }),
    "member-duplicate",
    /same storage/,
  );
});

test("a file with contents is refused, unless --destroy repeats its exact path", async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, "letters.img");
  writeFileSync(file, Buffer.alloc(SIZE, "precious"));
  await assertRefused(t, directory, request([file]), "member-not-empty", /did not make/);
  const indirect = `${directory}/./letters.img`;
  await assertRefused(
    t,
    directory,
    request([file], { destroy: [indirect] }),
    "destroy-names-no-member",
    /repeats no member's path/,
  );
  const before = fileState(file);
  const [member] = await openMembers(request([file], { destroy: [file] }));
  member?.close();
  assert.deepEqual(fileState(file), before, "opening itself writes nothing");

  run("mkfs.ext4", "-q", "-F", file);
  await assertRefused(t, directory, request([file]), "member-signature", /ext4 at byte 1080/);
});

test("a clustered array is kept for run and refused for create", async (t) => {
  const directory = temporaryDirectory(t);
  const legs = [clusteredFile(directory, "a.img", "a"), clusteredFile(directory, "b.img", "b")];
  await assertRefused(t, directory, request(legs), "member-array-exists", /clustered md array already/);
  for (const asked of [request(legs, { existingArray: "keep" }), request(legs, { destroy: legs })]) {
    const before = legs.map(fileState);
    const members = await openMembers(asked);
    for (const member of members) member.close();
    assert.deepEqual(legs.map(fileState), before);
  }
});

test("a clustered array with a filesystem on it is refused for run as well", async (t) => {
  const directory = temporaryDirectory(t);
  const leg = clusteredFile(directory, "a.img");
  run("mkfs.ext4", "-q", "-F", "-E", `offset=${1 << 20}`, leg, "60M");
  const asked = request([leg], { existingArray: "keep" });
  await assertRefused(t, directory, asked, "member-signature", /data on it \(ext4 at byte 1048576/);
});

test("an md member that is not clustered is somebody's array", async (t) => {
  const directory = temporaryDirectory(t);
  const leg = clusteredFile(directory, "a.img");
  const descriptor = openSync(leg, "r+");
  const area = Buffer.alloc(MD_SUPERBLOCK_AREA_BYTES);
  readSync(descriptor, area, 0, area.length, 4096);
  const plain = { ...parseMdSuperblock(area), featureMap: 0 };
  const bytes = serializeMdSuperblock(withChecksum(plain));
  writeSync(descriptor, bytes, 0, bytes.length, 4096);
  closeSync(descriptor);
  for (const existingArray of ["keep", "refuse"] as const) {
    const asked = request([leg], { existingArray });
    await assertRefused(t, directory, asked, "member-signature", /linux_raid_member at byte 4096/);
  }
});

test("when a later member cannot be made, files made before it go again", async (t) => {
  const directory = temporaryDirectory(t);
  const paths = [join(directory, "a.img"), join(directory, `${"n".repeat(300)}.img`)];
  await assertRefused(
    t,
    directory,
    request(paths, { createSizeBytes: SIZE }),
    "member-unreachable",
    /name too long/,
  );
  // sysfs lets nobody make a file, not even root.
  const nowhere = [join(directory, "a.img"), "/sys/slotmark-test.img"];
  await assertRefused(
    t,
    directory,
    request(nowhere, { createSizeBytes: SIZE }),
    "member-not-made",
    /slotmark-test\.img cannot be made/,
  );
});

test("too little space for what will be written is refused before a file is made", async (t) => {
  const directory = temporaryDirectory(t);
  const paths = [join(directory, "a.img"), join(directory, "b.img")];
  await assertRefused(
    t,
    directory,
    request(paths, { createSizeBytes: 2 ** 43, usedBytes: 2 ** 43 }),
    "no-space",
    /17592186044416 bytes will be written there/,
  );
});

test("the holes of a file that exists are counted as well", async (t) => {
  const directory = temporaryDirectory(t);
  const hole = sparseFile(directory, "hole.img", 2 ** 43);
  const error = await refusal(request([hole], { usedBytes: 2 ** 44 }));
  assert.equal(error.code, "no-space");
  assert.match(error.message, /8796093022208 bytes will be written there/);
});
