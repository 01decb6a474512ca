import assert from "node:assert/strict";
import { test } from "node:test";
import { type CopyMember, copyBetweenMembers } from "../../src/cluster/copy-between-members.js";
import { SlotmarkError } from "../../src/errors.js";
import { SECTOR_BYTES } from "../../src/ondisk/slot-geometry.js";

type Failing = "read" | "readAgain" | "write";

class MemoryMember implements CopyMember {
  readonly dataOffsetBytes = 1024;
  readonly bytes: Uint8Array;
  reads = 0;
  writes = 0;
  faulty = false;

  constructor(
    fill: number,
    readonly inSync = true,
    readonly failing: readonly Failing[] = [],
  ) {
    this.bytes = new Uint8Array(64 * SECTOR_BYTES).fill(fill);
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    const first = ++this.reads === 1;
    if (this.failing.includes(first ? "read" : "readAgain")) throw deviceError();
    return this.bytes.slice(offsetBytes, offsetBytes + lengthBytes);
  }

  write(offsetBytes: number, bytes: Uint8Array): void {
    if (this.failing.includes("write")) throw deviceError();
    this.writes++;
    this.bytes.set(bytes, offsetBytes);
  }

  /** What the sectors 4 to 7 of the data hold, and that no other byte has changed. */
  fill(): number {
    const [from, to] = [1024 + 4 * SECTOR_BYTES, 1024 + 8 * SECTOR_BYTES];
    const [value] = this.bytes.subarray(from, from + 1);
    const [around] = this.bytes;
    assert.ok(this.bytes.every((byte, at) => byte === (at >= from && at < to ? value : around)));
    return value ?? -1;
  }
}

function deviceError(): SlotmarkError {
  return new SlotmarkError("device", "member-failed", "injected", "none");
}

function copy(members: readonly MemoryMember[], purpose: "resync" | "rebuild" = "resync"): string {
  return copyBetweenMembers({ members, purpose, onLost: (member) => (member.faulty = true) }, 4, 4);
}

test("a resync writes the first member's data to all others; a rebuild only to those not in sync", () => {
  const members = [new MemoryMember(1), new MemoryMember(2), new MemoryMember(3, false)];
  assert.equal(copy(members, "rebuild"), "copied");
  assert.deepEqual(
    members.map((member) => member.fill()),
    [1, 2, 1],
  );
  assert.equal(copy(members), "copied");
  assert.deepEqual(
    members.map((member) => member.fill()),
    [1, 1, 1],
  );
  assert.equal(members[0]?.writes, 0);
});

test("what is not in sync is never read, even where it is the first", () => {
  const members = [new MemoryMember(1, false), new MemoryMember(2)];
  assert.equal(copy(members), "copied");
  assert.equal(members[0]?.fill(), 2);
});

test("without a member to read from, or another one to write, there is nowhere to go", () => {
  assert.equal(copy([]), "nowhere");
  assert.equal(copy([new MemoryMember(1)]), "nowhere");
  assert.equal(copy([new MemoryMember(1, false), new MemoryMember(2, false)]), "nowhere");
  assert.equal(copy([new MemoryMember(1), new MemoryMember(2)], "rebuild"), "nowhere");
});

test("a member that cannot be read is written from the next, and stays if it can be read again", () => {
  const members = [new MemoryMember(1, true, ["read"]), new MemoryMember(2), new MemoryMember(3)];
  assert.equal(copy(members), "copied");
  assert.deepEqual(
    members.map((member) => [member.fill(), member.faulty]),
    [
      [2, false],
      [2, false],
      [2, false],
    ],
  );
  assert.equal(members[0]?.reads, 2);
});

for (const failing of [
  ["read", "readAgain"],
  ["read", "write"],
] as const) {
  test(`a member that fails at ${failing.join(" and ")} is lost; the others are written all the same`, () => {
    const members = [new MemoryMember(1, true, failing), new MemoryMember(2), new MemoryMember(3)];
    assert.equal(copy(members), "memberLost");
    assert.deepEqual(
      members.map(({ faulty }) => faulty),
      [true, false, false],
    );
    assert.equal(members[2]?.fill(), 2);
  });
}

test("a rebuild repairs a source that could not be read, too", () => {
  const members = [new MemoryMember(1, true, ["read"]), new MemoryMember(2), new MemoryMember(3, false)];
  assert.equal(copy(members, "rebuild"), "copied");
  assert.deepEqual(
    members.map((member) => member.fill()),
    [2, 2, 2],
  );
});

test("a target that cannot be written is lost", () => {
  const members = [new MemoryMember(1), new MemoryMember(2, true, ["write"]), new MemoryMember(3)];
  assert.equal(copy(members), "memberLost");
  assert.deepEqual(
    members.map(({ faulty }) => faulty),
    [false, true, false],
  );
  assert.equal(members[2]?.fill(), 1);
});

test("where none can be read nothing is written and nobody is lost", () => {
  const members = [new MemoryMember(1, true, ["read"]), new MemoryMember(2, true, ["read"])];
  assert.equal(copy(members), "unreadable");
  assert.deepEqual(
    members.map(({ faulty, writes }) => [faulty, writes]),
    [
      [false, 0],
      [false, 0],
    ],
  );
});

test("what is no device error passes through", () => {
  const members = [new MemoryMember(1), new MemoryMember(2)];
  const broken = Object.assign(members[1] ?? members, {
    write: () => {
      throw new TypeError("not a device's");
    },
  });
  assert.ok(broken);
  assert.throws(() => copy(members), TypeError);
});
