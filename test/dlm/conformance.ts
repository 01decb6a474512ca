/**
 * What every backend does alike, written against the interface: the embedded one runs it everywhere, the kernel's where
 * there is a real DLM. Two memberships are asked for; a backend that has one node a machine gives the same one twice, since
 * locks of one node stand in each other's way like anybody's.
 */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { LockFlag } from "../../src/dlm/lock-flag.js";
import { LOCK_MODES, type LockMode } from "../../src/dlm/lock-mode.js";
import type { Completion, LockHandle, Lockspace, RequestOptions } from "../../src/dlm/lockspace.js";

export interface Subject {
  readonly first: Lockspace;
  readonly second: Lockspace;
}

/** Rows and columns NL to EX (spec §7.1). */
const COMPATIBLE = ["111111", "111110", "111000", "110100", "110000", "100000"];

/** R: the resource's block is returned; W: the caller's is written; –: neither (spec §7.3). Rows are the held modes. */
const TRANSFERS = ["RRRRRR", "-RRRRR", "--RRRR", "---RRR", "WWWWWR", "WWWWWW"];

export async function granted(
  lockspace: Lockspace,
  name: string,
  mode: LockMode,
  options?: RequestOptions,
): Promise<LockHandle> {
  const { lock, completion } = lockspace.request(name, mode, options);
  assert.equal((await completion).status, "granted");
  return lock;
}

export function conformance(backend: string, open: () => Promise<Subject>): void {
  suite(`${backend} lockspace`, () => {
    let first: Lockspace;
    let second: Lockspace;
    before(async () => {
      ({ first, second } = await open());
    });
    after(async () => {
      await first.leave({ force: true });
      if (second !== first) await second.leave({ force: true });
    });

    const block = (byte: number) => new Uint8Array(first.lvbBytes).fill(byte, 0, first.lvbUsableBytes);

    test("modes exclude each other as the table says", async () => {
      for (const [row, held] of LOCK_MODES.entries()) {
        const holder = await granted(first, "table", held);
        for (const [column, asked] of LOCK_MODES.entries()) {
          const { lock, completion } = second.request("table", asked, { flags: ["NOQUEUE"] });
          const { status } = await completion;
          assert.equal(status, COMPATIBLE[row]?.[column] === "1" ? "granted" : "EAGAIN", `${held}, ${asked}`);
          if (status === "granted") await lock.unlock();
        }
        await holder.unlock();
      }
    });

    test("a request waits for the holder's unlock, and is told of it", async () => {
      const holder = await granted(first, "wait", "EX");
      const { lock, completion } = second.request("wait", "PR");
      assert.equal(lock.mode, null);
      assert.equal(lock.outstanding, true);
      const unlocked = await holder.unlock();
      assert.deepEqual([unlocked.status, unlocked.mode], ["EUNLOCK", null]);
      const completed = await completion;
      assert.deepEqual([completed.status, completed.mode], ["granted", "PR"]);
      assert.deepEqual([lock.mode, lock.outstanding], ["PR", false]);
      await lock.unlock();
      assert.equal(lock.mode, null);
    });

    test("waiting requests are granted in their order", async () => {
      const order: number[] = [];
      const holder = await granted(first, "order", "EX");
      const waiters = [1, 2, 3, 4].map(async (number) => {
        const { lock, completion } = (number % 2 === 0 ? first : second).request("order", "EX");
        await completion;
        order.push(number);
        await lock.unlock();
      });
      await holder.unlock();
      await Promise.all(waiters);
      assert.deepEqual(order, [1, 2, 3, 4]);
    });

    test("a holder hears once for each level of conflict", async () => {
      const heard: LockMode[] = [];
      const holder = await granted(first, "blocking", "PR", { onBlocking: (mode) => heard.push(mode) });
      const waiting = second.request("blocking", "CW");
      const higher = second.request("blocking", "EX");
      await second.request("blocking", "EX", { flags: ["NOQUEUE"] }).completion;
      await holder.convert("NL");
      await waiting.completion;
      await waiting.lock.unlock();
      await higher.completion;
      await higher.lock.unlock();
      await holder.unlock();
      assert.deepEqual(heard, ["CW", "EX"]);
    });

    test("the blocking callback may give the lock up", async () => {
      let answered: Promise<Completion> | undefined;
      const holder = await granted(first, "answer", "EX", {
        onBlocking: (_, lock) => {
          answered = lock.convert("NL");
        },
      });
      const other = await granted(second, "answer", "EX");
      assert.equal((await answered)?.status, "granted");
      assert.equal(holder.mode, "NL");
      await other.unlock();
      await holder.unlock();
    });

    test("the value block travels as the table says", async () => {
      for (const [row, held] of LOCK_MODES.entries()) {
        for (const [column, asked] of LOCK_MODES.entries()) {
          const what = `${held} to ${asked}`;
          const keeper = await granted(first, "value", "EX", { lvb: block(1) });
          // Down from EX writes: the resource now has a block of ones.
          await keeper.convert("NL", { lvb: block(1) });
          const lock = await granted(second, "value", held, { lvb: block(0) });
          const { lvb } = await lock.convert(asked, { lvb: block(2) });
          const transfer = TRANSFERS[row]?.[column];
          assert.deepEqual(lvb, transfer === "R" ? block(1) : undefined, what);
          await lock.convert("NL");
          const read = await keeper.convert("NL", { lvb: block(9) });
          assert.deepEqual(read.lvb, block(transfer === "W" ? 2 : 1), what);
          await lock.unlock();
          await keeper.unlock();
        }
      }
    });

    test("an invalidated value block is reported until it is written again", async () => {
      const lock = await granted(first, "invalid", "EX");
      await lock.convert("NL", { lvb: block(3) });
      await lock.convert("EX");
      await lock.convert("NL", { flags: ["IVVALBLK"], lvb: block(4) });
      assert.equal((await lock.convert("EX", { lvb: block(0) })).valueNotValid, true);
      await lock.convert("NL", { lvb: block(5) });
      assert.equal((await lock.convert("NL", { lvb: block(0) })).valueNotValid, false);
      await lock.unlock();
    });

    test("two conversions that wait for each other: EDEADLK, and the lock keeps its mode", async () => {
      const one = await granted(first, "deadlock", "PR");
      const other = await granted(second, "deadlock", "PR");
      const waiting = one.convert("EX");
      const refused = await other.convert("EX");
      assert.deepEqual([refused.status, refused.mode], ["EDEADLK", "PR"]);
      await other.unlock();
      assert.equal((await waiting).status, "granted");
      await one.unlock();
    });

    test("CONVDEADLK demotes instead", async () => {
      const one = await granted(first, "demoted", "PR");
      const other = await granted(second, "demoted", "PR");
      const waiting = one.convert("EX");
      const demoted = other.convert("EX", { flags: ["CONVDEADLK"] });
      assert.equal((await waiting).status, "granted");
      await one.unlock();
      const completed = await demoted;
      assert.deepEqual([completed.status, completed.demoted], ["granted", true]);
      await other.unlock();
    });

    test("a cancelled conversion keeps its mode, a cancelled request goes", async () => {
      const holder = await granted(first, "cancel", "CR");
      const other = await granted(second, "cancel", "CR");
      const conversion = other.convert("EX");
      other.cancel();
      const cancelled = await conversion;
      assert.deepEqual([cancelled.status, cancelled.mode], ["ECANCEL", "CR"]);
      const request = second.request("cancel", "EX");
      request.lock.cancel();
      const gone = await request.completion;
      assert.deepEqual([gone.status, gone.mode], ["ECANCEL", null]);
      await other.unlock();
      await holder.unlock();
    });

    test("a node says what it resyncs, and the others read it", async () => {
      const own = await first.holdOwnSlot();
      assert.equal(own.slot, first.slot);
      const nothing = { lowSector: 0, highSector: 0, valueNotValid: false };
      assert.deepEqual(await second.resyncRangeOf(first.slot), nothing);
      const ranges = [
        { lowSector: 0, highSector: 65_536 },
        { lowSector: 65_536, highSector: 131_072 },
        { lowSector: 2 ** 40, highSector: 2 ** 40 + 1 },
      ];
      for (const range of ranges) {
        await own.publishResyncRange(range);
        assert.deepEqual(await second.resyncRangeOf(first.slot), { ...range, valueNotValid: false });
      }
      // Without waiting for each: in their order.
      await Promise.all(ranges.map((range) => own.publishResyncRange(range)));
      assert.deepEqual(await second.resyncRangeOf(first.slot), { ...ranges[2], valueNotValid: false });
      for (const [lowSector, highSector] of [
        [-1, 4],
        [8, 4],
        [0.5, 4],
        [0, 2 ** 60],
      ] as const) {
        assert.throws(() => own.publishResyncRange({ lowSector, highSector }), {
          errnoName: "EINVAL",
          code: "dlm-resync-range",
        });
      }
      await own.publishResyncRange({ lowSector: 0, highSector: 0 });
      assert.deepEqual(await second.resyncRangeOf(first.slot), nothing);
      for (const slot of [0, -1, 1.5, 10_001]) {
        await assert.rejects(second.resyncRangeOf(slot), { errnoName: "EINVAL", code: "dlm-slot" });
      }
      await own.release();
    });

    test("without a turn of the event loop", () => {
      const { lock: holder } = first.request("sync", "EX", { onBlocking: (_, lock) => void lock.unlock() });
      assert.equal(holder.waitSync()?.status, "granted");
      const { lock } = second.request("sync", "EX");
      assert.equal(second.waitSync({ timeoutMs: 0 }) === "gone", false);
      while (lock.outstanding) {
        first.waitSync({ timeoutMs: 1 });
        lock.waitSync({ timeoutMs: 1 });
      }
      assert.equal(lock.mode, "EX");
      void lock.unlock();
      assert.equal(lock.waitSync()?.status, "EUNLOCK");
    });

    for (const { what, errnoName, misuse } of MISUSES) {
      test(`${what}: ${errnoName}`, async () => {
        const holder = await granted(first, "misuse", "PR");
        try {
          assert.throws(
            () => misuse({ lockspace: first, holder }),
            (error: Error & { errnoName?: string; remedy?: string; code?: string }) => {
              assert.equal(error.name, "SlotmarkError");
              assert.equal(error.errnoName, errnoName);
              assert.match(error.message, new RegExp(`^${errnoName}: `));
              assert.match(error.code ?? "", /^dlm-[a-z-]+$/);
              assert.match(error.remedy ?? "", /^[A-Z].*\.$/);
              return true;
            },
          );
          // Nothing has happened.
          assert.equal(holder.mode, "PR");
          assert.equal((await holder.convert("NL")).status, "granted");
        } finally {
          await holder.unlock();
        }
      });
    }

    test("an operation on a released lock: ENOENT", async () => {
      const lock = await granted(first, "released", "EX");
      await lock.unlock();
      for (const operation of [() => lock.convert("NL"), () => lock.unlock(), () => lock.cancel()]) {
        assert.throws(operation, { errnoName: "ENOENT", code: "dlm-unknown-lock" });
      }
    });

    test("a conversion while one is outstanding: EBUSY, and the first one goes on", async () => {
      const holder = await granted(first, "busy", "PR");
      const lock = await granted(second, "busy", "NL");
      const waiting = lock.convert("EX");
      assert.throws(() => lock.convert("CR"), { errnoName: "EBUSY", code: "dlm-operation-outstanding" });
      await holder.unlock();
      assert.equal((await waiting).mode, "EX");
      await lock.unlock();
    });
  });
}

interface Misused {
  readonly lockspace: Lockspace;
  readonly holder: LockHandle;
}

const MISUSES: readonly {
  readonly what: string;
  readonly errnoName: string;
  readonly misuse: (subject: Misused) => unknown;
}[] = [
  {
    what: "an unknown mode",
    errnoName: "EINVAL",
    // JavaScript callers are held to no types.
    misuse: ({ lockspace }) => lockspace.request("misuse", JSON.parse('"XX"')),
  },
  {
    what: "an unknown mode of a conversion",
    errnoName: "EINVAL",
    misuse: ({ holder }) => holder.convert(JSON.parse("6")),
  },
  {
    what: "an unknown flag",
    errnoName: "EINVAL",
    misuse: ({ holder }) => holder.convert("NL", { flags: JSON.parse('["toString"]') }),
  },
  {
    what: "a name of 65 bytes",
    errnoName: "EINVAL",
    misuse: ({ lockspace }) => lockspace.request("x".repeat(65), "NL"),
  },
  {
    what: "a name of 33 letters that are 66 bytes",
    errnoName: "EINVAL",
    misuse: ({ lockspace }) => lockspace.request("ß".repeat(33), "NL"),
  },
  {
    what: "a value block that is too short",
    errnoName: "EINVAL",
    misuse: ({ lockspace, holder }) => holder.convert("NL", { lvb: new Uint8Array(lockspace.lvbBytes - 1) }),
  },
  {
    what: "a value block that is too long",
    errnoName: "EINVAL",
    misuse: ({ lockspace }) =>
      lockspace.request("misuse", "NL", { lvb: new Uint8Array(lockspace.lvbBytes + 1) }),
  },
  {
    what: "a value block that is none",
    errnoName: "EINVAL",
    misuse: ({ lockspace }) => lockspace.request("misuse", "NL", { lvb: JSON.parse("[1]") }),
  },
  { what: "VALBLK without a value block", errnoName: "EINVAL", misuse: withFlags("NL", "VALBLK") },
  { what: "EXPEDITE on a conversion", errnoName: "EINVAL", misuse: withFlags("NL", "EXPEDITE") },
  {
    what: "CONVDEADLK together with NOQUEUE",
    errnoName: "EINVAL",
    misuse: withFlags("EX", "CONVDEADLK", "NOQUEUE"),
  },
  { what: "QUECVT on a conversion down", errnoName: "EINVAL", misuse: withFlags("NL", "QUECVT") },
  {
    what: "QUECVT on a new request",
    errnoName: "EINVAL",
    misuse: ({ lockspace }) => lockspace.request("misuse", "EX", { flags: ["QUECVT"] }),
  },
  {
    what: "an unlock with a flag of requests",
    errnoName: "EINVAL",
    misuse: ({ holder }) => holder.unlock({ flags: ["NOQUEUE"] }),
  },
];

function withFlags(mode: LockMode, ...flags: LockFlag[]): (subject: Misused) => unknown {
  return ({ holder }) => holder.convert(mode, { flags });
}
