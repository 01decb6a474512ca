import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { asCsv, asJson } from "../../src/replay/format.js";
import type { PageWrite } from "../../src/replay/page-write.js";

const write: PageWrite = {
  timeSeconds: 5.12,
  node: 1,
  member: "vda",
  slot: 1,
  page: 12,
  sector: 216,
  sectors: 5,
  cause: "daemon",
};

describe("page writes as text", () => {
  it("CSV has a head line and six decimals of a second", () => {
    assert.equal(
      [...asCsv([write, { ...write, timeSeconds: 1e-7 }])].join(""),
      "timeSeconds,node,member,slot,page,sector,sectors,cause\n5.120000,1,vda,1,12,216,5,daemon\n0.000000,1,vda,1,12,216,5,daemon\n",
    );
    assert.equal([...asCsv([])].join(""), "timeSeconds,node,member,slot,page,sector,sectors,cause\n");
  });

  it("CSV quotes a member's name where it must", () => {
    const line = (member: string) =>
      [...asCsv([{ ...write, member }])].join("").split("\n").slice(1).join("\n");
    assert.equal(line('a,"b"'), '5.120000,1,"a,""b""",1,12,216,5,daemon\n');
    assert.equal(line("a b"), "5.120000,1,a b,1,12,216,5,daemon\n");
  });

  it("JSON is one array of the same, also of none", () => {
    assert.deepEqual(JSON.parse([...asJson([write, write])].join("")), [write, write]);
    assert.deepEqual(JSON.parse([...asJson([])].join("")), []);
  });

  it("comes in pieces as the writes come, never as a whole", () => {
    let taken = 0;
    function* endless(): Generator<PageWrite> {
      for (;;) {
        taken++;
        yield write;
      }
    }
    for (const format of [asCsv, asJson]) {
      taken = 0;
      const { value } = format(endless()).next();
      assert.ok(typeof value === "string" && value.length < 70000 && taken < 5000);
    }
  });
});
