import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite, type TestContext, test } from "node:test";
import { runSlotmark } from "../cli/run-slotmark.js";
import { runFolder } from "./run-folder.js";

/** The lab (test/lab) has the runs that succeed, on machines whose cluster is joined. */
const clusterJoined = existsSync("/sys/kernel/config/dlm/cluster/comms");

function arrayIn(folder: string, ...more: readonly string[]): string[] {
  const members = ["a.img", "b.img"].map((name) => path.join(folder, name));
  const { code, stderr } = runSlotmark([
    "create",
    ...members,
    "--size",
    "64M",
    "--nodes",
    "4",
    "--quiet",
    ...more,
  ]);
  assert.equal(code, 0, stderr);
  return members.flatMap((member) => ["--member", member]);
}

function refused(args: readonly string[], errorCode: string, message: RegExp): void {
  const { code, stdout } = runSlotmark(["run", ...args, "--json"]);
  const { error } = JSON.parse(stdout);
  assert.deepEqual([error.code, code], [errorCode, 2], stdout);
  assert.match(error.message, message);
  assert.match(error.remedy, /\w/);
}

function foldersFiles(context: TestContext): { folder: string; members: string[]; files: () => string[] } {
  const folder = runFolder(context);
  return { folder, members: arrayIn(folder), files: () => readdirSync(folder).sort() };
}

suite("run --dlm kernel", () => {
  test("without a DLM the error says what is missing and how to get it", {
    skip: clusterJoined && "a cluster is joined here",
  }, (context) => {
    const { folder, members, files } = foldersFiles(context);
    const out = path.join(folder, "result.json");
    const run = ["run", "locks", "messages", "--dlm", "kernel", ...members, "--nodes", "2", "--out", out];
    const { code, stdout, stderr } = runSlotmark(run);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^slotmark: (libdlm was not found|libdlm has no|\/dev\/misc\/dlm-control (is not there|cannot be opened)|this machine has not joined a cluster).*\n(Install libdlm|Load the module|Run as root|Start corosync)/,
    );
    const json = JSON.parse(runSlotmark([...run, "--json"]).stdout);
    assert.match(json.error.code, /^dlm-(library|device|not-permitted|cluster)/);
    assert.deepEqual(files(), ["a.img", "b.img"], "nothing is left behind");
  });

  test("what it cannot do is refused before anything else", (context) => {
    const folder = runFolder(context);
    const members = arrayIn(folder);
    const kernel = ["--dlm", "kernel", ...members, "--nodes", "2"];
    refused(["--dlm", "kernel", ...members], "suite-not-over-machines", /locks and messages.* not quick/);
    refused(["quick", ...kernel], "suite-not-over-machines", /on one machine only/);
    refused(["locks", "--dlm", "kernel", "--nodes", "2"], "cluster-members", /needs the members/);
    refused(["locks", "--dlm", "kernel", ...members], "cluster-nodes", /number of machines/);
    refused(["locks", ...kernel, "--nodes", "2,3"], "option-invalid", /--nodes \[2,3\] is not possible/);
    refused(["messages", ...kernel, "--nodes", "1"], "option-invalid", /expected at least 2/);
    refused(["locks", ...kernel, "--nodes", "5"], "nodes-exceed-slots", /5 machines, but .* 4 slots/);
    refused(["locks", ...kernel, "--chunk", "64K"], "option-foreign", /^--chunk means nothing/);
    refused(["locks", ...kernel, "--variant", "mainline"], "option-foreign", /^--variant means nothing/);
    refused(["locks", ...kernel, "--destroy", "x"], "option-foreign", /^--destroy means nothing/);
    refused(["locks", ...kernel, "--io", "psync"], "option-foreign", /^--io means nothing/);
    refused(["locks", ...kernel, "--resume", "x.journal"], "cluster-resume", /--resume cannot/);
    refused(["locks", ...kernel, "--wait", "soon"], "time-invalid", /"soon" is not a time/);
    refused(["locks", "--wait", "5s"], "option-foreign", /^--wait means nothing without --dlm kernel/);
    refused(["locks", "--dlm", "zfs"], "dlm-unavailable", /no lock manager named "zfs"/);
  });

  test("members without a clustered array: create one first", (context) => {
    const folder = runFolder(context);
    const blank = path.join(folder, "blank.img");
    writeFileSync(blank, new Uint8Array(1 << 20));
    const run = (member: string) => ["locks", "--dlm", "kernel", "--nodes", "2", "--member", member];
    refused(run(blank), "no-clustered-array", /no clustered array on .*blank\.img$/);
    const { stderr } = runSlotmark(["run", ...run(blank)]);
    assert.match(stderr, /slotmark create MEMBER/);
    refused(run(path.join(folder, "absent.img")), "member-missing", /absent\.img cannot be found/);
    refused(run(folder), "member-not-storage", /a directory/);
  });

  test("members of two arrays are refused", (context) => {
    const folder = runFolder(context);
    arrayIn(folder);
    const other = ["c.img", "d.img"].map((name) => path.join(folder, name));
    runSlotmark(["create", ...other, "--size", "64M", "--quiet"]);
    const members = ["a.img", "c.img"].flatMap((name) => ["--member", path.join(folder, name)]);
    refused(["locks", "--dlm", "kernel", "--nodes", "2", ...members], "different-arrays", /a\.img|c\.img/);
  });
});
