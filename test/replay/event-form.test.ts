import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkScript } from "../../src/replay/read-script.js";
import { replayScript } from "../../src/replay/replay-script.js";
import type { MdCall, ReplayScript } from "../../src/replay/script.js";
import { CHUNK_OF_PAGE, CHUNK_SECTORS, eventsScript, manyPages } from "./scripts.js";

type Call = MdCall extends infer C ? (C extends MdCall ? Omit<C, "atSeconds" | "node"> : never) : never;

const startWrite = (chunk: number): Call => ({ op: "startWrite", sector: chunk * CHUNK_SECTORS, sectors: 8 });
const endWrite = (chunk: number, failed?: boolean): Call => ({
  op: "endWrite",
  sector: chunk * CHUNK_SECTORS,
  sectors: 8,
  ...(failed === undefined ? {} : { failed }),
});
const unplug: Call = { op: "unplug" };
const pass: Call = { op: "pass" };
const written = (chunk: number) => [startWrite(chunk), unplug, endWrite(chunk)];

/** One call a second, by node 0. */
function calls(...given: readonly Call[]): MdCall[] {
  return given.map((call, i) => ({ ...call, node: 0, atSeconds: i }) as MdCall);
}

function rows(script: ReplayScript) {
  return [...replayScript(checkScript(script, "script"), { kernel: "6.1" })];
}

/** Page writes to member a. */
function pages(given: readonly Call[], rest: Partial<ReplayScript> = manyPages): string[] {
  return rows(eventsScript(calls(...given), rest))
    .filter(({ member }) => member === "a")
    .map(({ timeSeconds, cause, page }) => `${timeSeconds} ${cause} ${page}`);
}

describe("md's calls", () => {
  it("a bit is set at once and cleared in the third pass", () => {
    assert.deepEqual(pages([...written(0), pass, pass, pass, pass]), ["1 unplug 0", "5 daemon 0"]);
  });

  it("a pass stops at the first dirty page, and the next unplug writes what it left (finding 10)", () => {
    const [, one, two] = CHUNK_OF_PAGE;
    const given = [...written(two), pass, pass, startWrite(one), pass, unplug, endWrite(one)];
    assert.deepEqual(pages(given), ["1 unplug 2", "7 unplug 1", "7 unplug 2"]);
  });

  it("needSync of a pass is what the script says, else what the events made of it", () => {
    assert.deepEqual(pages([...written(CHUNK_OF_PAGE[1]), { op: "pass", needSync: true }]), [
      "1 unplug 1",
      "3 daemon 0",
    ]);
    const behind = { ...manyPages, start: { events: 4, eventsCleared: 3 } };
    assert.deepEqual(pages([...written(CHUNK_OF_PAGE[1]), pass], behind), ["1 unplug 1", "3 daemon 0"]);
    assert.deepEqual(pages([...written(CHUNK_OF_PAGE[1]), { op: "pass", needSync: false }], behind), [
      "1 unplug 1",
    ]);
  });

  it("bitmapSuper raises the events, so the pass after the next write rewrites page 0", () => {
    assert.deepEqual(pages([{ op: "bitmapSuper" }, ...written(CHUNK_OF_PAGE[1]), pass]), [
      "0 superblock 0",
      "2 unplug 1",
      "4 daemon 0",
    ]);
  });

  it("a stop is three passes and page 0; the cause of the last is the superblock", () => {
    assert.deepEqual(pages([...written(CHUNK_OF_PAGE[1]), { op: "stop" }]), [
      "1 unplug 1",
      "3 stop 1",
      "3 superblock 0",
    ]);
  });

  it("a load writes page 0 and makes every bit found one to resync, which no pass clears", () => {
    const given = [...written(1), { op: "load" } as const, pass, pass, pass];
    assert.deepEqual(pages(given), ["1 unplug 0", "3 superblock 0"]);
  });

  it("resync of the chunks that a load found lets passes clear them", () => {
    const loaded = [...written(1), { op: "load" } as const];
    const sync = { sector: CHUNK_SECTORS, sectors: CHUNK_SECTORS };
    const cleared = ["1 unplug 0", "3 superblock 0", "8 daemon 0"];
    const passes = [pass, pass, pass];
    assert.deepEqual(
      pages([...loaded, { op: "startSync", ...sync }, { op: "endSync", ...sync }, ...passes]),
      cleared,
    );
    assert.deepEqual(pages([...loaded, { op: "startSync" }, { op: "closeSync" }, ...passes]), cleared);
    assert.deepEqual(pages([...loaded, { op: "startSync" }, { op: "endSync" }, ...passes]), cleared);
    const untouched = cleared.slice(0, 2);
    assert.deepEqual(
      pages([...loaded, { op: "startSync" }, { op: "endSync", ...sync, aborted: true }, ...passes]),
      untouched,
    );
    assert.deepEqual(
      pages([...loaded, { op: "startSync", degraded: true }, { op: "closeSync" }, ...passes]),
      untouched,
    );
    assert.deepEqual(
      pages([...loaded, { op: "startSync", sector: 0, sectors: 8 }, { op: "closeSync" }, ...passes]),
      untouched,
    );
  });

  it("a wake is a pass past the gate, but only on a node whose script names no pass", () => {
    const wake: Call = { op: "wake" };
    const wakes = Array.from({ length: 18 }, () => wake);
    assert.deepEqual(pages([...written(0), ...wakes]), ["1 unplug 0", "13 daemon 0"]);
    assert.deepEqual(pages([...written(0), pass, ...wakes]), ["1 unplug 0"]);
  });

  it("calls happen in time, whatever their order in the script", () => {
    const given = calls(...written(0), pass, pass, pass);
    assert.deepEqual(rows(eventsScript(given.toReversed())), rows(eventsScript(given)));
  });

  it("nothing happens after untilSeconds", () => {
    assert.deepEqual(pages([...written(0), pass, pass, pass], { untilSeconds: 4.5 }), ["1 unplug 0"]);
  });
});

describe("members that fail and return", () => {
  const memberOf = (script: ReplayScript) => rows(script).map(({ node, member }) => `${node}${member}`);
  const at = (atSeconds: number, node: number, call: Call) => ({ ...call, atSeconds, node }) as MdCall;
  const update: Call = { op: "bitmapSuper" };
  const fail: Call = { op: "fail", member: "b" };
  const activate: Call = { op: "activate", member: "b" };

  it("pages go to the members in sync; the other nodes follow unless told themselves", () => {
    const script = eventsScript([
      at(0, 0, update),
      at(1, 0, fail),
      at(2, 0, update),
      at(2, 1, update),
      at(3, 1, activate),
      at(4, 1, update),
      at(4, 0, update),
    ]);
    // Node 1 is told of b's return itself, so node 0's failure does not reach it.
    assert.deepEqual(memberOf(script), ["0a", "0b", "0a", "1a", "1b", "1a", "1b", "0a"]);
    const followed = eventsScript([at(1, 0, fail), at(2, 1, update), at(3, 0, activate), at(4, 1, update)]);
    assert.deepEqual(memberOf(followed), ["1a", "1a", "1b"]);
  });

  it("a degraded array's writes leave bits that no pass clears, though the script does not say that they failed", () => {
    const passes = [pass, pass, pass];
    assert.deepEqual(pages([fail, ...written(0), ...passes]), ["2 unplug 0"]);
    assert.deepEqual(pages([fail, activate, ...written(0), ...passes]), ["3 unplug 0", "7 daemon 0"]);
    assert.deepEqual(pages([startWrite(0), unplug, endWrite(0, true), ...passes]), ["1 unplug 0"]);
    assert.deepEqual(pages([fail, startWrite(0), unplug, endWrite(0, false), ...passes]), [
      "2 unplug 0",
      "6 daemon 0",
    ]);
  });
});

describe("another slot's bits", () => {
  const at = (atSeconds: number, node: number, call: Call) => ({ ...call, atSeconds, node }) as MdCall;
  const slots = (script: ReplayScript, variant: "safe" | "mainline" = "safe") =>
    [...replayScript(checkScript(script, "script"), { kernel: "6.1", variant })]
      .filter(({ member }) => member === "a")
      .map(
        ({ timeSeconds, slot, page, cause, sectors }) => `${timeSeconds} ${slot} ${page} ${cause} ${sectors}`,
      );
  const recovery = at(9, 0, { op: "copyFromSlot", slot: 1, clear: true });
  const [, one, two, three] = CHUNK_OF_PAGE;

  it("are those that its node had on disk: what it had not written yet is not among them", () => {
    const node1 = [...written(one), startWrite(three), unplug, startWrite(two)];
    const script = eventsScript([...node1.map((call, i) => at(i, 1, call)), recovery], manyPages);
    const before = ["1 1 1 unplug 8", "4 1 3 unplug 8"];
    const dead = ["9 1 0 superblock 8", "9 1 1 unplug 8", "9 1 3 unplug 8"];
    const own = ["9 0 1 unplug 8", "9 0 3 unplug 8"];
    assert.deepEqual(slots(script, "mainline"), [...before, ...dead, ...own]);
    assert.deepEqual(slots(script, "safe"), [...before, ...own, ...dead]);
  });

  it("are one's own from then on: they stay until resynced, and a second recovery finds none", () => {
    const start = { start: { dirtyChunks: { 1: [[one, one + 40]] as [number, number][] } } };
    const passes = [10, 11, 12, 13].map((second) => at(second, 0, pass));
    const again = at(20, 0, { op: "copyFromSlot", slot: 1, clear: true });
    const unsynced = eventsScript([recovery, ...passes, again], { ...manyPages, ...start });
    assert.deepEqual(slots(unsynced), [
      "9 0 1 unplug 8",
      "9 1 0 superblock 8",
      "9 1 1 unplug 8",
      "20 1 0 superblock 8",
    ]);
    const synced = eventsScript(
      [recovery, at(9.5, 0, { op: "startSync" }), at(9.6, 0, { op: "closeSync" }), ...passes],
      { ...manyPages, ...start },
    );
    assert.deepEqual(slots(synced).slice(3), ["12 0 1 daemon 8"]);
  });

  it("taken without clearing leave the other slot alone, and its node at work", () => {
    const gather = at(9, 0, { op: "copyFromSlot", slot: 1 });
    const script = eventsScript(
      [
        ...written(one).map((call, i) => at(i, 1, call)),
        gather,
        at(10, 1, startWrite(two)),
        at(11, 1, unplug),
      ],
      manyPages,
    );
    assert.deepEqual(slots(script), ["1 1 1 unplug 8", "9 0 1 unplug 8", "11 1 2 unplug 8"]);
  });

  it("a node that comes back loads what is on disk: a cleared slot", () => {
    const passes = [20, 21, 22, 23].map((second) => at(second, 1, pass));
    const script = eventsScript(
      [...written(one).map((call, i) => at(i, 1, call)), recovery, at(15, 1, { op: "load" }), ...passes],
      manyPages,
    );
    assert.deepEqual(slots(script).slice(-2), ["9 1 1 unplug 8", "15 1 0 superblock 8"]);
  });

  it("writeAll has every page written at the next pass, or the next unplug", () => {
    const every = [0, 1, 2, 3, 4];
    const all: Call = { op: "writeAll" };
    assert.deepEqual(
      pages([all, pass, pass]),
      every.map((page) => `1 daemon ${page}`),
    );
    assert.deepEqual(
      pages([all, unplug, pass]),
      every.map((page) => `1 unplug ${page}`),
    );
  });
});
