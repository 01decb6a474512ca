import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkScript } from "../../src/replay/read-script.js";
import { replayScript } from "../../src/replay/replay-script.js";
import type { ReplayScript } from "../../src/replay/script.js";
import { CHUNK_OF_PAGE, manyPages, withGeometry, write, writesScript } from "./scripts.js";

/** Page writes to the first member: "cause page". */
function pages(script: ReplayScript): string[] {
  return rows(script).map(({ cause, page }) => `${cause} ${page}`);
}

function rows(script: ReplayScript) {
  return [...replayScript(checkScript(script, "script"))].filter(({ member }) => member === "a");
}

const alone = withGeometry({ nodes: 0 });

describe("application writes on a cluster's node", () => {
  it("a lone write's bit is never cleared, for nothing wakes the md thread (finding 2)", () => {
    assert.deepEqual(pages(writesScript([write(0, 100)])), ["unplug 0"]);
  });

  it("a second write at the thread's heels arms its timer, and both bits go in the third pass", () => {
    const written = rows(writesScript([write(0, 100), write(1, 101)]));
    assert.deepEqual(
      written.map(({ timeSeconds, cause }) => [timeSeconds, cause]),
      [
        [0, "unplug"],
        [1, "unplug"],
        [16.384, "daemon"],
      ],
    );
  });

  it("a wake by hand clears a lone write's bit: 40.0, then two timers of 5.0 to 5.26 s", () => {
    const written = rows(writesScript([write(0, 100)], { wakes: [{ node: 0, atSeconds: 40 }] }));
    assert.deepEqual(
      written.map(({ timeSeconds, cause }) => [timeSeconds, cause]),
      [
        [0, "unplug"],
        [50.176, "daemon"],
      ],
    );
  });

  it("one chunk rewritten every 5 s or more is always in flight at its own pass and pays once (finding 4)", () => {
    for (const period of [5, 6, 12]) {
      const writes = [0, 1, 2, 3, 4, 5].map((i) => write(i * period, 100));
      assert.deepEqual(
        pages(writesScript(writes, { untilSeconds: 5 * period })),
        ["unplug 0"],
        `${period} s`,
      );
    }
  });

  it("writes of one depth group leave in one plug; without it each pays for itself", () => {
    const at0 = [100, 101, 102];
    assert.deepEqual(pages(writesScript(at0.map((chunk) => write(0, chunk)))), [
      "unplug 0",
      "unplug 0",
      "unplug 0",
    ]);
    assert.deepEqual(pages(writesScript(at0.map((chunk) => write(0, chunk, { depthGroup: "g" })))), [
      "unplug 0",
    ]);
  });

  it("a depth group is one node's own, and leaves when its last write has come", () => {
    const group = [write(0, 100, { depthGroup: 1 }), write(0.5, 200, { depthGroup: 1 })];
    const other = write(0.2, 300, { node: 1, depthGroup: 1 });
    assert.deepEqual(
      rows(writesScript([...group, other])).map(({ node, timeSeconds }) => [node, timeSeconds]),
      [
        [1, 0.2],
        [0, 0.5],
      ],
    );
  });

  it("pages of one plug go out in ascending order, each to every member in the node's order", () => {
    const writes = [4, 1, 3].map((page) => write(0, CHUNK_OF_PAGE[page] ?? 0, { depthGroup: 1 }));
    const script = writesScript(writes, { ...manyPages, memberOrder: { 0: ["b", "a"] } });
    assert.deepEqual(
      [...replayScript(checkScript(script, "script"))].map(({ page, member }) => `${page}${member}`),
      ["1b", "1a", "3b", "3a", "4b", "4a"],
    );
  });

  it("a batch flushes its own plug and wakes no thread, so its bits stay", () => {
    const batch = (at: number, chunk: number) => write(at, chunk, { submit: "batch" });
    assert.deepEqual(pages(writesScript([batch(0, 100), batch(1, 101)])), ["unplug 0", "unplug 0"]);
  });

  it("a plug flushes itself at 32 bios for each of twice the members", () => {
    const batch = (count: number, members: string[]) =>
      pages(
        writesScript(
          Array.from({ length: count }, (_, i) => write(0, i, { submit: "batch", depthGroup: 1 })),
          withGeometry({ members }),
        ),
      ).length;
    assert.equal(batch(64, ["a", "b"]), 1);
    assert.equal(batch(65, ["a", "b"]), 2);
    assert.equal(batch(129, ["a", "b"]), 3);
    // A write is as many bios as members, so the number of writes does not depend on them.
    assert.equal(batch(65, ["a", "b", "c"]), 2);
  });

  it("a large write is cut into pieces of 1280 KiB and at 64 MiB, in one plug", () => {
    // 64 writes' worth of pieces fill a plug: 80 MiB and the cut at 64 MiB.
    const large = (lengthBytes: number) =>
      pages(writesScript([{ node: 0, atSeconds: 0, offsetBytes: 0, lengthBytes }])).length;
    assert.equal(large(4 << 20), 1);
    assert.equal(large(64 << 20), 1);
    assert.equal(large(96 << 20), 2);
  });

  it("a write that finds a chunk's counter full waits for another's end, and what its plug holds leaves", () => {
    const many = 16381;
    const writes = Array.from({ length: many + 3 }, () =>
      write(0, 100, { submit: "batch", depthGroup: 1, durationSeconds: 1 }),
    );
    const late = write(0.5, CHUNK_OF_PAGE[1], { depthGroup: 2 });
    assert.deepEqual(
      rows(writesScript([...writes, late], { ...manyPages, untilSeconds: 5 })).map(
        ({ timeSeconds, page }) => [timeSeconds, page],
      ),
      [
        [0, 0],
        [0.5, 1],
      ],
    );
  });

  it("a stop waits for writes in flight, then flushes in three passes and rewrites page 0 (finding 11)", () => {
    const script = writesScript(
      [write(0, CHUNK_OF_PAGE[2]), write(1, CHUNK_OF_PAGE[1], { durationSeconds: 3 })],
      {
        ...manyPages,
        stops: [{ node: 0, atSeconds: 2 }],
      },
    );
    assert.deepEqual(
      rows(script).map(({ timeSeconds, cause, page }) => [timeSeconds, cause, page]),
      [
        [0, "unplug", 2],
        [1, "unplug", 1],
        [4, "stop", 1],
        [4, "stop", 2],
        [4, "superblock", 0],
      ],
    );
  });

  it("a stopped node's md thread wakes no more", () => {
    const script = writesScript([write(0, 1), write(1, 2)], {
      stops: [{ node: 0, atSeconds: 2 }],
      wakes: [{ node: 0, atSeconds: 50 }],
    });
    assert.deepEqual(pages(script), ["unplug 0", "unplug 0", "stop 0", "superblock 0"]);
  });

  it("the first pass after the array's events rose puts events_cleared into page 0 (finding 9)", () => {
    const start = { events: 4, eventsCleared: { 0: 0, 1: 4 } };
    const writes = [0, 1].flatMap((node) => [
      write(0, CHUNK_OF_PAGE[1], { node }),
      write(0.1, CHUNK_OF_PAGE[2], { node }),
    ]);
    const written = rows(writesScript(writes, { ...manyPages, start, untilSeconds: 8 }));
    assert.deepEqual(
      written.map(({ node, cause, page }) => `${node} ${cause} ${page}`),
      ["0 unplug 1", "1 unplug 1", "0 unplug 2", "1 unplug 2", "0 daemon 0"],
    );
  });

  it("nothing happens after untilSeconds", () => {
    const script = writesScript([write(0, 100), write(1, 101), write(30, 102)]);
    assert.deepEqual(pages({ ...script, untilSeconds: 16 }), ["unplug 0", "unplug 0"]);
    assert.deepEqual(pages({ ...script, untilSeconds: 16.384 }), ["unplug 0", "unplug 0", "daemon 0"]);
  });
});

describe("application writes without a cluster", () => {
  it("the array is marked in use before a write and clean after it, and that wakes the md thread (N_isolated)", () => {
    assert.deepEqual(pages(writesScript([write(0, 100)], alone)), [
      "superblock 0",
      "unplug 0",
      "superblock 0",
      "daemon 0",
      "daemon 0",
    ]);
  });

  it("an array that starts in use is not marked again, and writes in quick succession keep it in use", () => {
    const writes = [0, 0.1, 0.2, 0.3].map((at) => write(at, 100));
    const script = writesScript(writes, { ...alone, start: { active: true }, untilSeconds: 2 });
    assert.deepEqual(pages(script), ["unplug 0", "superblock 0"]);
  });

  it("a stop marks the array clean where safe mode has not yet", () => {
    const stops = [{ node: 0, atSeconds: 0.1 }];
    assert.deepEqual(pages(writesScript([write(0, 100)], { ...alone, stops })), [
      "superblock 0",
      "unplug 0",
      "stop 0",
      "stop 0",
      "superblock 0",
      "superblock 0",
    ]);
  });
});
