import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SlotmarkError } from "../../src/errors.js";
import { parseJson } from "../../src/replay/json-text.js";
import { checkScript, readScript } from "../../src/replay/read-script.js";
import { type MdCall, SAMPLE_SCRIPT } from "../../src/replay/script.js";
import { eventsScript, manyPages, withGeometry, write, writesScript } from "./scripts.js";

function refusal(script: unknown): SlotmarkError {
  try {
    checkScript(script, "s.json");
  } catch (error) {
    assert.ok(error instanceof SlotmarkError);
    return error;
  }
  return assert.fail("the script was taken");
}

const good = writesScript([write(0, 1)]);
const start = { node: 0, atSeconds: 0, op: "startWrite", sector: 0, sectors: 8 } as const;
const end = { ...start, atSeconds: 1, op: "endWrite" } as const;

/** What is wrong with a script, and the beginning of what is said about it. */
const copy = (node: number, slot: number): MdCall => ({
  node,
  atSeconds: 0.5,
  op: "copyFromSlot",
  slot,
  clear: true,
});

const REFUSED: readonly (readonly [unknown, string])[] = [
  [null, "the script: "],
  [[], "the script: "],
  [{ ...good, until: 3 }, "the script: "],
  [{ ...good, untilSeconds: undefined }, "untilSeconds: "],
  [{ ...good, untilSeconds: -1 }, "untilSeconds: "],
  [{ ...good, untilSeconds: 1e300 }, "untilSeconds: "],
  [{ ...good, geometry: { ...good.geometry, speed: 1 } }, "geometry: "],
  [writesScript([], withGeometry({ chunkBytes: 65537 })), "geometry.chunkBytes: must be a power of two"],
  [writesScript([], withGeometry({ chunkBytes: 256 })), "geometry.chunkBytes: "],
  [writesScript([], withGeometry({ nodes: 65 })), "geometry.nodes: "],
  [writesScript([], withGeometry({ syncSizeSectors: 0 })), "geometry.syncSizeSectors: "],
  [writesScript([], withGeometry({ members: [] })), "geometry.members: "],
  [
    { ...good, geometry: { ...good.geometry, members: "a" } },
    "geometry.members: must be an array of names or a count",
  ],
  [writesScript([], withGeometry({ members: ["a", "a"] })), "geometry.members names a member twice: a, a"],
  [writesScript([], withGeometry({ logicalBlockBytes: 8192 })), "geometry.logicalBlockBytes: "],
  [writesScript([], withGeometry({ daemonSleepSeconds: 0 })), "geometry.daemonSleepSeconds: "],
  [
    writesScript([], withGeometry({ bitmapOffsetSectors: -9 })),
    "geometry: 2 slots of 4096 bytes from sector -1 end at sector 15",
  ],
  [
    writesScript([], withGeometry({ dataOffsetSectors: 31 })),
    "geometry: 2 slots of 4096 bytes from sector 16 end at sector 32, behind the data offset, sector 31",
  ],
  [{ ...good, memberOrder: { 0: ["a"] } }, "memberOrder.0 is a: it must name each of the members a, b once"],
  [{ ...good, memberOrder: { 2: ["a", "b"] } }, "memberOrder.2 is 2: the nodes of this array are 0 to 1"],
  [{ ...good, memberOrder: { x: ["a", "b"] } }, "memberOrder.x: "],
  [{ ...good, start: { events: -1 } }, "start.events: "],
  [{ ...good, start: { events: "4" } }, "start.events: must be a count"],
  [{ ...good, start: { active: 1 } }, "start.active: must be true or false"],
  [{ ...good, start: { eventsCleared: { 7: 1 } } }, "start.eventsCleared.7 is 7"],
  [writesScript([write(0, 1, { node: 2 })]), "writes[0].node is 2: the nodes of this array are 0 to 1"],
  [
    writesScript([write(0, 1, { node: 1 })], withGeometry({ nodes: 0 })),
    "writes[0].node is 1: the nodes of this array are 0 alone",
  ],
  [writesScript([write(0, 1), write(-1, 1)]), "writes[1].atSeconds: "],
  [writesScript([write(0, 1, { offsetBytes: 100 })]), "writes[0].offsetBytes: "],
  [writesScript([write(0, 1, { lengthBytes: 0 })]), "writes[0].lengthBytes: "],
  [
    writesScript([write(0, 1), write(0, 16384)]),
    "writes[1].offsetBytes puts 4096 bytes at 1073741824, past the array's end at 1073741824",
  ],
  [
    writesScript([write(0, 1, { depthGroup: 1 }), write(0, 2, { depthGroup: 1, submit: "batch" })]),
    "writes[1].submit is batch, unlike the other writes of depthGroup 1",
  ],
  [{ ...good, writes: [{ ...write(0, 1), submit: "later" }] }, "writes[0].submit: "],
  [{ ...good, wakes: [{ node: 9, atSeconds: 1 }] }, "wakes[0].node is 9"],
  [
    writesScript([write(2, 1)], { stops: [{ node: 0, atSeconds: 1 }] }),
    "writes[0].atSeconds is 2, but node 0 was stopped at 1",
  ],
  [
    writesScript([], {
      stops: [
        { node: 0, atSeconds: 1 },
        { node: 0, atSeconds: 2 },
      ],
    }),
    "stops[1].node stops node 0 a second time",
  ],
  [{ ...good, writes: undefined }, "has neither writes nor events"],
  [{ ...good, events: [] }, "writes cannot stand beside events"],
  [{ ...eventsScript([]), wakes: [] }, "wakes cannot stand beside events"],
  [eventsScript([start, end, end]), "events[2].op is endWrite, but no write to chunk 0 is in flight at 1 s"],
  [
    eventsScript([{ ...start, sector: 2097150 }]),
    "events[0].sector puts 8 sectors at 2097150, past the array's end",
  ],
  [eventsScript([{ ...start, sectors: 0 }]), "events[0].sectors: "],
  [
    eventsScript([
      { node: 0, atSeconds: 0, op: "stop" },
      { ...start, atSeconds: 1 },
    ]),
    "events[1].op is startWrite, but node 0 was stopped and not loaded again",
  ],
  [
    eventsScript(Array.from({ length: 16382 }, () => start)),
    "events[16381].op is startWrite, but chunk 0 has 16381 writes in flight, as many as it can count",
  ],
  [
    eventsScript([{ node: 0, atSeconds: 0, op: "fail", member: "c" }]),
    "events[0].member is c: the members are a, b",
  ],
  [
    { ...eventsScript([]), events: [{ node: 0, atSeconds: 0, op: "sleep" }] },
    "events[0].op: must be startWrite,",
  ],
  [{ ...eventsScript([]), events: [{ ...start, failed: true }] }, "events[0]: "],
  [eventsScript([copy(0, 2)]), "events[0].slot is 2: the slots of this array are 0 to 1"],
  [eventsScript([copy(1, 1)]), "events[0].slot is 1, the node's own: it must be another node's"],
  [
    eventsScript([copy(0, 1), { node: 1, atSeconds: 1, op: "unplug" }]),
    "events[1].op is unplug, but node 0 cleared the slot of node 1, which was not loaded again",
  ],
  [
    eventsScript([], { start: { dirtyChunks: { 1: [[0, 16384]] } } }),
    "start.dirtyChunks.1[0] is 0 to 16384: it must be a first and a last chunk, of 0 to 16383",
  ],
  [
    eventsScript([], { start: { dirtyChunks: { 2: [] } } }),
    "start.dirtyChunks.2 is 2: the nodes of this array are 0 to 1",
  ],
];

describe("a script that does not hold", () => {
  for (const [script, message] of REFUSED) {
    it(`is refused: ${message}`, () => {
      const error = refusal(script);
      assert.equal(error.message.slice(0, message.length + 8), `s.json: ${message}`);
      assert.deepEqual([error.kind, error.code], ["input", "script-invalid"]);
      assert.ok(error.remedy.includes(SAMPLE_SCRIPT));
    });
  }

  it("has only its first complaints listed", () => {
    const { message } = refusal(writesScript(Array.from({ length: 9 }, () => write(-1, 0))));
    assert.match(message, /writes\[0\]\.atSeconds: .*; and 4 more$/);
  });

  it("is taken when it holds: the sample of the remedy", () => {
    assert.equal(checkScript(JSON.parse(SAMPLE_SCRIPT), "sample").untilSeconds, 60);
  });

  it("may go on after a stop once it is loaded, and may leave what comes after untilSeconds unfinished", () => {
    const node = 0;
    checkScript(
      eventsScript([
        { node, atSeconds: 0, op: "stop" },
        { node, atSeconds: 1, op: "load" },
        { ...start, atSeconds: 2 },
      ]),
      "s",
    );
    checkScript(eventsScript([{ ...end, atSeconds: 200 }]), "s");
    checkScript(
      eventsScript([
        { ...start, node: 1 },
        copy(0, 1),
        { node: 1, atSeconds: 1, op: "fail", member: "a" },
        { node: 1, atSeconds: 2, op: "load" },
        { ...start, node: 1, atSeconds: 3 },
      ]),
      "s",
    );
    checkScript(writesScript([], manyPages), "s");
    // A single node's script may speak of the order on others, as a trace's converter does for every array.
    checkScript(
      writesScript([], { ...withGeometry({ nodes: 0 }), memberOrder: { 0: ["b", "a"], 1: ["a", "b"] } }),
      "s",
    );
  });
});

describe("JSON that is none", () => {
  const where = (text: string) => {
    try {
      parseJson(text, "s.json");
    } catch (error) {
      assert.ok(error instanceof SlotmarkError);
      assert.deepEqual([error.kind, error.code], ["input", "json-syntax"]);
      return error.message;
    }
    return assert.fail("the text was taken");
  };

  it("has its line and column named", () => {
    assert.equal(where('{"a": 1,\n "b": x}'), 's.json: line 2, column 7: unexpected "x"');
    assert.equal(where('{"a": 1,\n}'), 's.json: line 2, column 1: unexpected "}"');
    assert.equal(where("[1, 2,\n\n  3,]"), 's.json: line 3, column 5: unexpected "]"');
    assert.equal(where("[1,\n2 // two\n]"), 's.json: line 2, column 3: unexpected "/"');
    assert.equal(where('{"a": [1, 2'), "s.json: line 1, column 12: the JSON ends too early");
    assert.equal(where("\n\n"), "s.json: line 3, column 1: the JSON ends too early");
    assert.equal(where('["a\nb"]'), 's.json: line 1, column 4: unexpected "\\n"');
    assert.equal(where("[1] [2]"), 's.json: line 1, column 5: unexpected "["');
    assert.equal(
      where('[1, "long enough that the message shows but a part", tru ]'),
      's.json: line 1, column 57: unexpected " "',
    );
  });

  it("is found in a long text whose like stands everywhere", () => {
    const rows = Array.from({ length: 5000 }, () => '{"x": [1, 2, 3]}');
    rows[3210] = '{"x": [1, 2, y]}';
    assert.equal(where(`[\n${rows.join(",\n")}\n]`), 's.json: line 3212, column 14: unexpected "y"');
  });
});

describe("a script file", () => {
  it("that cannot be read is named", async () => {
    await assert.rejects(readScript("/nonexistent/s.json"), {
      kind: "input",
      code: "script-unreadable",
      message: /^\/nonexistent\/s\.json cannot be read: ENOENT/,
    });
  });

  it("is named in what is wrong with it", async () => {
    const directory = mkdtempSync(join(tmpdir(), "slotmark-replay-"));
    try {
      const path = join(directory, "s.json");
      writeFileSync(path, JSON.stringify({ ...good, untilSeconds: "60" }));
      await assert.rejects(readScript(path), {
        code: "script-invalid",
        message: new RegExp(`^${path}: untilSeconds: `),
      });
      writeFileSync(path, SAMPLE_SCRIPT);
      assert.equal((await readScript(path)).untilSeconds, 60);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
