import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SAMPLE_SCRIPT } from "../../src/replay/script.js";
import { MAIN, runSlotmark } from "../cli/run-slotmark.js";
import { GoldenTrace } from "./golden-trace.js";
import { write, writesScript } from "./scripts.js";

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "slotmark-replay-"));
});
after(() => rmSync(directory, { recursive: true }));

function scriptFile(script: unknown): string {
  const path = join(directory, "script.json");
  writeFileSync(path, typeof script === "string" ? script : JSON.stringify(script));
  return path;
}

const HEAD = "timeSeconds,node,member,slot,page,sector,sectors,cause";

describe("slotmark replay", () => {
  it("prints CSV, the same bytes each time", () => {
    const path = scriptFile(SAMPLE_SCRIPT);
    const expected = {
      code: 0,
      stdout: [
        HEAD,
        "0.000000,0,vda,0,0,16,5,unplug",
        "0.000000,0,vdb,0,0,16,5,unplug",
        "50.176000,0,vda,0,0,16,5,daemon",
        "50.176000,0,vdb,0,0,16,5,daemon",
        "",
      ].join("\n"),
      stderr: "",
    };
    assert.deepEqual(runSlotmark(["replay", path]), expected);
    assert.deepEqual(runSlotmark(["replay", path]), expected);
  });

  it("--json prints one array of the same", () => {
    const { code, stdout } = runSlotmark(["replay", scriptFile(SAMPLE_SCRIPT), "--json"]);
    assert.equal(code, 0);
    const first = {
      timeSeconds: 0,
      node: 0,
      member: "vda",
      slot: 0,
      page: 0,
      sector: 16,
      sectors: 5,
      cause: "unplug",
    };
    const rows: unknown[] = JSON.parse(stdout);
    assert.equal(rows.length, 4);
    assert.deepEqual(rows[0], first);
  });

  it("--variant and --kernel say whose bitmap: 6.1 writes the whole last page of slots above 0", () => {
    const path = scriptFile(writesScript([write(0, 1, { node: 1 })]));
    const sectors = (...options: string[]) =>
      runSlotmark(["replay", path, ...options])
        .stdout.split("\n")[1]
        ?.split(",")[6];
    assert.equal(sectors(), "5");
    assert.equal(sectors("--kernel", "mainline", "--variant", "mainline"), "5");
    assert.equal(sectors("--kernel", "6.1", "--variant", "mainline"), "8");
    // The first patches never flush bits of slots above 0.
    assert.equal(sectors("--variant", "original"), undefined);
  });

  it("gives a trace of the kernel its page writes", () => {
    const trace = new GoldenTrace("F_two_nodes");
    const { stdout } = runSlotmark([
      "replay",
      scriptFile(trace.eventsScript()),
      "--variant",
      "mainline",
      "--kernel",
      "6.1",
      "--json",
    ]);
    const rows: { node: number; member: string; sector: number; sectors: number }[] = JSON.parse(stdout);
    const place = ({ node, member, sector, sectors }: (typeof rows)[number]) => [
      node,
      member,
      sector,
      sectors,
    ];
    assert.deepEqual(rows.map(place), trace.pageWrites.map(place));
  });

  it("ends with 2 and names file and field where the script does not hold", () => {
    const path = scriptFile({ ...writesScript([write(0, 1)]), untilSeconds: "long" });
    const plain = runSlotmark(["replay", path]);
    assert.equal(plain.code, 2);
    assert.equal(plain.stdout, "");
    assert.ok(plain.stderr.startsWith(`slotmark: ${path}: untilSeconds: `), plain.stderr);
    assert.ok(plain.stderr.includes(SAMPLE_SCRIPT));

    const json = runSlotmark(["replay", path, "--json"]);
    assert.equal(json.code, 2);
    assert.equal(JSON.parse(json.stdout).error.code, "script-invalid");
  });

  it("ends with 2 for a file that is no JSON or cannot be read, and for unknown choices", () => {
    assert.equal(runSlotmark(["replay", scriptFile('{"geometry": }')]).code, 2);
    assert.equal(runSlotmark(["replay", join(directory, "none.json")]).code, 2);
    assert.equal(runSlotmark(["replay", directory]).code, 2);
    assert.equal(runSlotmark(["replay", scriptFile(SAMPLE_SCRIPT), "--kernel", "5.4"]).code, 2);
    assert.equal(runSlotmark(["replay", scriptFile(SAMPLE_SCRIPT), "--variant", "fast"]).code, 2);
  });

  it("goes on at its reader's pace, and a reader that goes away ends it quietly", () => {
    const writes = Array.from({ length: 16000 }, (_, i) => write(i * 0.0003, i, { node: i % 2 }));
    const path = scriptFile(writesScript(writes, { untilSeconds: 10 }));
    const piped = (reader: string) =>
      spawnSync(
        "bash",
        ["-c", `"$0" "$1" replay "$2" | ${reader}; echo "\${PIPESTATUS[0]}"`, process.execPath, MAIN, path],
        {
          encoding: "utf8",
        },
      );
    const all = piped("wc -l");
    assert.deepEqual([all.stdout, all.stderr], ["32001\n0\n", ""]);
    const head = piped("head -1");
    assert.deepEqual([head.stdout, head.stderr], [`${HEAD}\n0\n`, ""]);
  });
});
