/** Devices that fail while a run measures: it goes on without them, and ends with 74 where none is left. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { readJournal } from "../../src/results/journal.js";
import type { Result } from "../../src/results/schema.js";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import {
  loopDevice,
  mount,
  run as runCommand,
  sparseFile,
  temporaryDirectory,
  whyNoBlockDevices,
  zramDevice,
} from "../storage/machine.js";
import { struckRun } from "./background-run.js";
import { runFolder, smallRun } from "./run-folder.js";

const MIB = 1 << 20;

interface Failing {
  readonly device: string;
  readonly strike: () => void;
}

const FAILING: Readonly<Record<string, (t: TestContext, folder: string, name: string) => Failing>> = {
  "a loop device that shrinks": (t, folder, name) => {
    const backing = sparseFile(folder, name, 64 * MIB);
    const device = loopDevice(t, backing);
    return {
      device,
      strike: () => {
        // A write that is in flight meanwhile makes the file longer again.
        do {
          fs.truncateSync(backing, 4 * MIB);
          runCommand("losetup", "--set-capacity", device);
        } while (fs.statSync(backing).size > 4 * MIB);
      },
    };
  },
  "a loop device on a full tmpfs": (t, _, name) => {
    const directory = temporaryDirectory(t);
    mount(t, "-t", "tmpfs", "-o", "size=70M", "none", directory);
    const backing = sparseFile(directory, name, 64 * MIB);
    const device = loopDevice(t, backing);
    return {
      device,
      strike: () => {
        // Its blocks go, and something else takes their room.
        runCommand("fallocate", "--punch-hole", "--offset", "0", "--length", `${64 * MIB}`, backing);
        try {
          fs.writeFileSync(path.join(directory, "filler"), Buffer.alloc(80 * MIB));
        } catch {
          // It is full now.
        }
      },
    };
  },
  "a zram device at its memory limit": (t) => {
    const device = zramDevice(t, 64 * MIB, 200 * MIB);
    const sysfs = `/sys/block/${path.basename(device)}`;
    return { device, strike: () => fs.writeFileSync(`${sysfs}/mem_limit`, `${MIB}`) };
  },
};

function writing(result: Result) {
  return result.trials.filter(({ labels }) => labels.bitmap !== undefined);
}

for (const [kind, io, nodes] of [
  ["a loop device that shrinks", "uring", "4"],
  // Each node count has an array of its own, which is made again.
  ["a loop device that shrinks", "psync", "1,3"],
  ["a loop device on a full tmpfs", "uring", "1"],
  ["a zram device at its memory limit", "psync", "4"],
] as const) {
  test(`${kind}, io ${io}, ${nodes} nodes: the run goes on degraded and says so`, async (t) => {
    const reason = whyNoBlockDevices("losetup", "zram", "fallocate");
    if (reason !== undefined) return t.skip(reason);
    const folder = runFolder(t);
    const failing = FAILING[kind]?.(t, folder, "failing.img");
    assert.ok(failing !== undefined);
    const { device, strike } = failing;
    const run = smallRun(folder, "--trials", "2", "--member", device, "--io", io, "--nodes", nodes);
    const { code, stdout, stderr } = await struckRun(run, strike);
    assert.equal(code, 0, stderr);
    const result = readResult(run.out);
    const [warning] = result.warnings.filter((one) => one.code === "member-failed");
    assert.match(
      warning?.text ?? "",
      new RegExp(`^member ${device}: (writing \\d+ bytes at byte offset \\d+|flushing)`),
    );
    assert.match(warning?.text ?? "", /\((ENOSPC|EIO|ENOMEM)\)|the device took no more bytes/);
    assert.ok(stdout.replace(/\s+/g, " ").includes(`member ${device}: `), stdout);
    assert.match(stderr, /The array is degraded; the run goes on with .*a\.img, .*b\.img\./);

    const trials = writing(result);
    assert.equal(trials.length, 8 * nodes.split(",").length, "no trial is missing");
    const first = trials.findIndex(({ labels }) => labels.degraded === true);
    assert.ok(first > 0, "the first trial was healthy");
    assert.deepEqual(
      trials.map(({ labels }) => labels.degraded ?? false),
      trials.map((_, index) => index >= first),
      "from there on all are degraded",
    );
    assert.deepEqual(
      trials.flatMap(({ labels }, index) =>
        labels.failedMember === undefined ? [] : [[index, labels.failedMember]],
      ),
      [[first, device]],
    );
    assert.ok(warning?.text.includes(trials[first]?.id ?? "?"));
    const failedPair = trials[first]?.pair;
    for (const { pair, metrics } of trials) {
      if (pair === failedPair)
        assert.equal(metrics.bitmap_tax_percent, undefined, "no tax over two kinds of array");
    }

    const examined = JSON.parse(runSlotmark(["examine", "--json", ...run.members]).stdout);
    for (const { superblock } of examined) {
      assert.deepEqual(superblock.roles, [0, 1, "faulty"]);
      assert.equal(superblock.checksumValid, true);
    }
    assert.equal(runSlotmark(["examine", "--check", ...run.members]).code, 0);
    const [a, b] = run.members.map((member) => fs.readFileSync(member).subarray(8192));
    assert.ok(a !== undefined && b !== undefined && a.equals(b), "slots and data of those left are alike");
    if (fs.existsSync("/usr/sbin/mdadm") || fs.existsSync("/sbin/mdadm")) {
      const text = runCommand("mdadm", "--examine", run.members[0] ?? "");
      assert.match(text, /Array State : AA\./);
      assert.match(text, /Checksum : \S+ - correct/);
    }
  });
}

for (const [io, nodes] of [
  ["uring", 1],
  ["psync", 1],
  ["uring", 4],
  ["psync", 4],
] as const) {
  test(`io ${io}, ${nodes} nodes: where no member is left the run ends with 74, its journal intact, without a result`, async (t) => {
    const reason = whyNoBlockDevices("losetup");
    if (reason !== undefined) return t.skip(reason);
    const folder = runFolder(t);
    const shrinking = FAILING["a loop device that shrinks"];
    const pair = ["a", "b"].flatMap((name) => shrinking?.(t, folder, `${name}-backing`) ?? []);
    const run = smallRun(folder, "--trials", "20", "--io", io, "--nodes", String(nodes));
    const devices = pair.map(({ device }) => device);
    const args = run.args.map((word) => devices[run.members.indexOf(word)] ?? word);
    const ended = await struckRun({ ...run, args }, () => {
      for (const { strike } of pair) strike();
    });
    assert.equal(ended.code, 74, ended.stderr);
    assert.ok(
      devices.some((device) => ended.stderr.includes(device)),
      ended.stderr,
    );
    assert.match(ended.stderr, /--resume/);
    assert.doesNotMatch(ended.stderr, /^\s+at /m);
    assert.equal(ended.stdout, "");
    assert.equal(fs.existsSync(run.out), false, "no partial result");
    const journal = readJournal(run.journal);
    assert.equal(journal.tornBytes, 0);
    assert.ok(journal.trials.length > 0);
  });
}
