/** Damaged, cut off and contradictory members: each a clear error that names member, field, byte, found and expected. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { expandGolden } from "../create/golden-image.js";
import { DamagedImage, SUPERBLOCK_AT } from "./damaged-image.js";
import { examined } from "./examined.js";

const ONE_PAGE = "geometry/s1G_n4_c64K.stopped.a.blk.gz";
const OTHER_LEG = "geometry/s1G_n4_c64K.stopped.b.blk.gz";
const FOUR_PAGES = "geometry/x100G_n2_c1M.stopped.a.blk.gz";
const SLOT0_AT = 8192;
const ONE_PAGE_SLOT_BYTES = 4096;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "slotmark-bad-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function errorOf(paths: readonly string[], check = false): Promise<SlotmarkError> {
  try {
    await examined(paths, check);
  } catch (error) {
    assert.ok(error instanceof SlotmarkError, String(error));
    assert.equal(error.kind, "input");
    assert.notEqual(error.remedy, "");
    return error;
  }
  assert.fail("no error");
}

async function errorOfImage(image: DamagedImage): Promise<SlotmarkError> {
  return errorOf([image.write(join(folder, "damaged"))]);
}

describe("md superblock", () => {
  const faults: [code: string, field: string, at: number, damage: (image: DamagedImage) => DamagedImage][] = [
    ["superblock-magic", "magic", 0, (image) => image.u32(SUPERBLOCK_AT, 0xa92b4efd)],
    ["superblock-version", "major_version", 4, (image) => image.u32(SUPERBLOCK_AT + 4, 2)],
    ["superblock-max-dev", "max_dev", 220, (image) => image.u32(SUPERBLOCK_AT + 220, 1921)],
    ["superblock-super-offset", "super_offset", 144, (image) => image.u64(SUPERBLOCK_AT + 144, 0n)],
    ["superblock-unknown-features", "feature_map", 8, (image) => image.orU32(SUPERBLOCK_AT + 8, 0x80000000)],
    ["superblock-checksum", "sb_csum", 216, (image) => image.u32(SUPERBLOCK_AT + 200, 77)],
    ["superblock-data-size-too-small", "data_size", 136, (image) => image.u64(SUPERBLOCK_AT + 136, 9n).sum()],
    ["superblock-padding", "pad0", 12, (image) => image.u32(SUPERBLOCK_AT + 12, 1).sum()],
    ["superblock-padding", "pad3", 255, (image) => image.flip(SUPERBLOCK_AT + 255, 7).sum()],
    ["superblock-data-offset", "data_offset", 128, (image) => image.u64(SUPERBLOCK_AT + 128, 8n).sum()],
    [
      "superblock-new-offset",
      "new_offset",
      124,
      (image) =>
        image
          .u32(SUPERBLOCK_AT + 8, 0x145)
          .u32(SUPERBLOCK_AT + 124, -4090)
          .sum(),
    ],
    ["superblock-raid0-layout", "feature_map", 8, (image) => image.orU32(SUPERBLOCK_AT + 8, 0x1000).sum()],
  ];

  for (const [code, field, at, damage] of faults) {
    test(`${code} (${field})`, async () => {
      const error = await errorOfImage(damage(new DamagedImage(ONE_PAGE)));
      assert.equal(error.code, code);
      const place = new RegExp(
        `^${join(folder, "damaged")}: md superblock: ${field} at byte ${SUPERBLOCK_AT + at} is .+, expected .+`,
      );
      assert.match(error.message, place);
    });
  }

  test("the first fault in the kernel's order is the one reported", async () => {
    // The faults up to the checksum can stand together; later ones need the checksum right.
    for (let from = 0; from < 6; from++) {
      const image = new DamagedImage(ONE_PAGE);
      for (const [, , , damage] of faults.slice(from, 6)) damage(image);
      assert.equal((await errorOfImage(image)).code, faults[from]?.[0]);
    }
    for (let from = 6; from < faults.length; from++) {
      const image = new DamagedImage(ONE_PAGE);
      for (const [, , , damage] of faults.slice(from)) damage(image);
      assert.equal((await errorOfImage(image)).code, faults[from]?.[0]);
    }
  });

  test("a member shorter than its data", async () => {
    const path = join(folder, "short");
    expandGolden(ONE_PAGE, path, 2 ** 29);
    const error = await errorOf([path]);
    assert.equal(error.code, "superblock-data-size");
    assert.match(
      error.message,
      /data_size at byte 4232 is 2093056 sectors from sector 4096, expected .*1048576/,
    );
  });
});

describe("bitmap superblock", () => {
  const faults: [code: string, field: string, at: number, value: number][] = [
    ["bitmap-magic", "magic", 0, 0x6d746963],
    ["bitmap-version", "version", 4, 6],
    ["bitmap-chunk-too-small", "chunksize", 52, 256],
    ["bitmap-chunk-not-power-of-two", "chunksize", 52, 65537],
    ["bitmap-daemon-sleep", "daemon_sleep", 56, 0],
    ["bitmap-write-behind", "write_behind", 60, 16384],
    ["bitmap-uuid-mismatch", "uuid", 8, 0],
    ["bitmap-not-clustered", "version", 4, 4],
  ];
  for (const slot of [0, 1, 3]) {
    for (const [code, field, at, value] of faults) {
      test(`${code} in slot ${slot}`, async () => {
        const superblockAt = SLOT0_AT + slot * ONE_PAGE_SLOT_BYTES;
        const error = await errorOfImage(new DamagedImage(ONE_PAGE).u32(superblockAt + at, value));
        assert.equal(error.code, code);
        const place = `bitmap superblock of slot ${slot}: ${field} at byte ${superblockAt + at} is .+, expected .+`;
        assert.match(error.message, new RegExp(place));
      });
    }
  }

  test("the first fault in the kernel's order is the one reported", async () => {
    // Two of the faults are of the chunk size, and two of the version: one of each can stand at a time.
    for (const chunkFault of [2, 3]) {
      const order = faults.filter((_, index) => index !== 5 - chunkFault && index !== 7);
      for (let from = 0; from < order.length; from++) {
        const image = new DamagedImage(ONE_PAGE);
        for (const [, , at, value] of order.slice(from)) image.u32(SLOT0_AT + at, value);
        assert.equal((await errorOfImage(image)).code, order[from]?.[0]);
      }
    }
  });

  for (const [nodes, code] of [
    [65, "too-many-nodes"],
    [1, "too-few-nodes"],
    [0, "too-few-nodes"],
  ] as const) {
    test(`${nodes} nodes in every slot`, async () => {
      const image = new DamagedImage(ONE_PAGE);
      for (let slot = 0; slot < 4; slot++) image.u32(SLOT0_AT + slot * ONE_PAGE_SLOT_BYTES + 68, nodes);
      assert.equal((await errorOfImage(image)).code, code);
    });
  }

  test("every flipped bit of magic, version, uuid, chunksize, daemon_sleep and write_behind is noticed", async () => {
    for (const slot of [0, 1, 3]) {
      for (const [from, to] of [
        [0, 24],
        [52, 64],
      ] as const) {
        for (let at = from; at < to; at++) {
          for (let bit = 0; bit < 8; bit++) {
            const image = new DamagedImage(ONE_PAGE).flip(SLOT0_AT + slot * ONE_PAGE_SLOT_BYTES + at, bit);
            await errorOfImage(image);
          }
        }
      }
    }
  });
});

describe("slots that disagree", () => {
  const fields: [field: string, at: number, value: number][] = [
    ["nodes", 68, 3],
    ["nodes", 68, 65],
    ["nodes", 68, 0],
    ["cluster_name", 72, 0x61616161],
    ["chunksize", 52, 131072],
    ["daemon_sleep", 56, 7],
    ["write_behind", 60, 256],
  ];
  for (const slot of [0, 2]) {
    for (const [field, at, value] of fields) {
      test(`${field} ${value} in slot ${slot}`, async () => {
        const image = new DamagedImage(ONE_PAGE).u32(SLOT0_AT + slot * ONE_PAGE_SLOT_BYTES + at, value);
        const error = await errorOfImage(image);
        assert.equal(error.code, "inconsistent");
        assert.match(
          error.message,
          new RegExp(`slot [012].*${field}.*as in slot 0 of .* at byte ${SLOT0_AT + at}`),
        );
      });
    }
  }

  test("sync_size, in slot 0 against the md superblock, in others against slot 0", async () => {
    for (const slot of [0, 1]) {
      const at = SLOT0_AT + slot * ONE_PAGE_SLOT_BYTES + 40;
      const error = await errorOfImage(new DamagedImage(ONE_PAGE).u64(at, 2093048n));
      assert.equal(error.code, "inconsistent");
      assert.match(
        error.message,
        /sync_size at byte \d+ is (2093048.*expected 2093056|2093056, expected 2093048)/,
      );
    }
  });

  test("a chunk size in slot 0 that would put slot 1 elsewhere", async () => {
    for (const chunkBytes of [2 ** 19, 2 ** 21, 2 ** 16]) {
      const error = await errorOfImage(new DamagedImage(FOUR_PAGES).u32(SLOT0_AT + 52, chunkBytes));
      assert.equal(error.code, "inconsistent");
      assert.match(
        error.message,
        new RegExp(`slot 1: chunksize at byte \\d+ is 1048576, expected ${chunkBytes} `),
      );
    }
  });
});

describe("members", () => {
  const inAllSlots = (golden: string, at: number, value: number) => {
    const image = new DamagedImage(golden);
    for (let slot = 0; slot < 4; slot++) image.u32(SLOT0_AT + slot * ONE_PAGE_SLOT_BYTES + at, value);
    return image;
  };

  for (const [field, at, value] of [
    ["cluster_name", 72, 0x62626262],
    ["chunksize", 52, 131072],
    ["daemon_sleep", 56, 7],
  ] as const) {
    test(`that disagree in ${field}, also without --check`, async () => {
      const a = new DamagedImage(ONE_PAGE).write(join(folder, "a"));
      const b = inAllSlots(OTHER_LEG, at, value).write(join(folder, "b"));
      for (const check of [false, true]) {
        const error = await errorOf([a, b], check);
        assert.equal(error.code, "inconsistent");
        assert.match(error.message, new RegExp(`^${b}: .*${field}.*as in slot 0 of ${a}`));
      }
    });
  }

  test("that disagree in nodes", async () => {
    const a = new DamagedImage(ONE_PAGE).write(join(folder, "a"));
    const b = inAllSlots(OTHER_LEG, 68, 3).write(join(folder, "b"));
    assert.equal((await errorOf([a, b])).code, "inconsistent");
  });

  test("of different arrays: printed, but no consistent array", async () => {
    const a = new DamagedImage(ONE_PAGE).write(join(folder, "a"));
    const b = new DamagedImage("geometry/s1G_n4_c4M.stopped.b.blk.gz").write(join(folder, "b"));
    assert.equal((await examined([a, b])).length, 2);
    const error = await errorOf([a, b], true);
    assert.equal(error.code, "different-arrays");
    assert.match(error.message, new RegExp(`^${b}: md superblock: set_uuid .* as on ${a}`));
  });

  test("that are the same device of the array", async () => {
    const a = new DamagedImage(ONE_PAGE).write(join(folder, "a"));
    const copy = new DamagedImage(ONE_PAGE).write(join(folder, "copy"));
    assert.match((await errorOf([a, copy], true)).message, /both are device 0 of the array/);
  });

  test("cut off anywhere", async () => {
    const path = join(folder, "cut");
    // Inside the superblock, in front of slot 0, inside slots 0, 1 and the last one, inside the data.
    for (const length of [
      0,
      4095,
      5000,
      8191,
      8192,
      8300,
      10000,
      12288,
      20000,
      24576 - 1,
      2 ** 21,
      2 ** 22,
    ]) {
      expandGolden(ONE_PAGE, path, 2 ** 30);
      truncateSync(path, length);
      const error = await errorOf([path]);
      assert.match(error.code, /^(truncated|superblock-data-size|bitmap-magic)$/, `${length}`);
    }
  });

  test("that carry no array, and a directory, and nothing", async () => {
    const blank = join(folder, "blank");
    writeFileSync(blank, Buffer.alloc(65536));
    assert.equal((await errorOf([blank])).code, "superblock-magic");
    const directory = join(folder, "directory");
    mkdirSync(directory);
    assert.equal((await errorOf([directory])).code, "member-not-storage");
    assert.equal((await errorOf([join(folder, "absent")])).code, "member-missing");
    assert.equal((await errorOf(["/dev/null"])).code, "member-not-storage");
  });
});

test("on the command line: exit code 2, one sentence or one JSON document, nothing else on stdout", () => {
  const path = new DamagedImage(ONE_PAGE).flip(SUPERBLOCK_AT + 40, 3).write(join(folder, "cli"));
  const plain = runSlotmark(["examine", path]);
  assert.equal(plain.code, 2);
  assert.equal(plain.stdout, "");
  assert.match(plain.stderr, /sb_csum at byte 4312/);
  const json = runSlotmark(["examine", "--json", "--check", path]);
  assert.equal(json.code, 2);
  assert.equal(JSON.parse(json.stdout).error.code, "superblock-checksum");
});
