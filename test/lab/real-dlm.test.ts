import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fetchResults, killRun, runHasBegun, runOn, runOnBoth } from "../../lab/cluster-run.js";
import { buildConformance, runConformance, withResourcesMasteredBy } from "../../lab/conformance.js";
import { Lab, NODES, whyLabCannotRun } from "../../lab/lab.js";
import { buildMember, KernelMember } from "../../lab/member.js";
import { buildNativeProgram } from "../../lab/native-program.js";
import { addNode, nodeCommand } from "../../lab/node-program.js";
import { readResult } from "../../src/results/store.js";
import { runSlotmark } from "../cli/run-slotmark.js";
import { createArrayDisks, runArray } from "./running-array.js";

const missing = await whyLabCannotRun();
const skip = missing !== undefined && process.env.CI !== "true" ? `the lab cannot run: ${missing}` : false;

const ARRAY = "c0f0a0ce-0000-4000-8000-000000000002";
const DISK_BYTES = 64 << 20;
/** The kernel counts how often a lockspace was joined, and dlm_tool takes back one. */
const LEAVE_ALL =
  "for name in $(ls /sys/kernel/dlm); do for n in $(seq 100); do [ ! -e /sys/kernel/dlm/$name ] || dlm_tool leave $name; done; done";

suite("two machines with the kernel's own DLM", { skip, timeout: 600_000 }, () => {
  let lab: Lab;
  let sharedFolder: string;
  let disksFolder: string;
  let arrayDisks: string[];
  before(async () => {
    sharedFolder = await mkdtemp(join(tmpdir(), "slotmark-lab-share-"));
    await buildConformance(sharedFolder);
    await buildMember(sharedFolder);
    await addNode(sharedFolder);
    await buildNativeProgram("example", "kernel_channel", sharedFolder);
    const created = runSlotmark([
      "create",
      ...files(sharedFolder),
      "--size",
      "64M",
      "--nodes",
      "4",
      "--quiet",
    ]);
    assert.equal(created.code, 0, created.stderr);
    disksFolder = await mkdtemp(join(tmpdir(), "slotmark-lab-disks-"));
    const disks = files(disksFolder);
    for (const disk of disks) {
      await writeFile(disk, "");
      await truncate(disk, DISK_BYTES);
    }
    arrayDisks = await createArrayDisks(disksFolder);
    lab = await Lab.start({ sharedFolder, disks: [...disks, ...arrayDisks] });
  });
  after(async () => {
    await lab?.stop();
    for (const folder of [sharedFolder, disksFolder]) await rm(folder, { recursive: true, force: true });
  });

  test("each lists both as members", async () => {
    for (const node of NODES) {
      const status = await lab.outputOf(node, "dlm_tool status");
      assert.match(status, new RegExp(`^cluster nodeid ${node} quorate 1`));
      assert.deepEqual(
        [...status.matchAll(/^node (\d) M /gm)].map(([, id]) => id),
        ["1", "2"],
      );
    }
  });

  test("a command's output and exit code come back, bytes and all", async () => {
    const { exitCode, output } = await lab.guest(1).run("printf 'a\\tb\n'; echo ö >&2; exit 7");
    assert.deepEqual({ exitCode, output }, { exitCode: 7, output: "a\tb\nö\n" });
    assert.equal(await lab.outputOf(2, "seq 100000 | tail -n 1"), "100000\n");
    await assert.rejects(lab.outputOf(1, "echo no; false"), /exit code 1\nno/);
  });

  test("commands of one machine run beside each other", async () => {
    const waiting = lab.outputOf(1, "until [ -e /tmp/gate ]; do usleep 20000; done; echo through");
    await lab.outputOf(1, "touch /tmp/gate");
    assert.equal(await waiting, "through\n");
  });

  test("the kernel follows the rules that the embedded lock manager is held to", async () => {
    const { exitCode, output } = await runConformance(lab, 1);
    assert.equal(exitCode, 0, output);
    assert.match(output, /test result: ok\. (?!0 )\d+ passed; 0 failed/);
  });

  test("and does so where another machine decides on every lock", async () => {
    const { exitCode, output } = await withResourcesMasteredBy(lab, 2, () => runConformance(lab, 1));
    assert.equal(exitCode, 0, output);
    assert.match(output, /test result: ok\. (?!0 )\d+ passed; 0 failed/);
  });

  test("members get the lowest free slots, and hear of each other's coming and going", async () => {
    const first = await KernelMember.start(lab, 1, ARRAY, 4, "first");
    const second = await KernelMember.start(lab, 2, ARRAY, 4, "second");
    const third = await KernelMember.start(lab, 2, ARRAY, 4, "third");
    assert.match(await first.says(/^joined 2$/m), /^slot 0\n(?=[\s\S]*joined 1)/);
    assert.match(await second.says(/^joined 2$/m), /^joined 0\nslot 1$/m);
    await third.says(/^slot 2$/m);

    await second.leave();
    await first.says(/^Left 1$/m);
    await third.says(/^Left 1$/m);
    const again = await KernelMember.start(lab, 1, ARRAY, 4, "again");
    await again.says(/^slot 1$/m);

    await third.kill();
    const said = await Promise.all([first.says(/Died.* 2$/m), again.says(/Died.* 2$/m)]);
    const deaths = said.map((text) => /^(\w*Died\w*) 2$/m.exec(text)?.[1]).sort();
    assert.deepEqual(deaths, ["DiedAndRecovered", "ProcessDied"], "one of them deals with it, and both hear");

    const last = await KernelMember.start(lab, 2, ARRAY, 3, "last");
    await last.says(/^slot 2$/m);
    const full = await lab.guest(2).run(`/share/kernel_member ${ARRAY} 3 /run/never`);
    assert.equal(full.exitCode, 2);
    assert.match(full.output, /^dlm-no-free-slot: all 3 slots of the array are held by other nodes; /m);
    for (const member of [last, again, first]) await member.leave();
  });

  test("messages reach every node on both machines, once and in their order", async () => {
    const count = 20;
    const channel = (role: string) => `/share/kernel_channel ${ARRAY} ${role} ${count}`;
    const received = NODES.map((node) =>
      lab.outputOf(node, `${channel("receive")} | tee /run/received`, 240_000),
    );
    const ready = "until grep -q ready /run/received; do usleep 50000; done";
    await Promise.all(NODES.map((node) => lab.outputOf(node, ready)));
    const steps = await lab.outputOf(1, channel("send"), 240_000);
    assert.match(steps, /^TokenEx \d+\nMessageEx \d+\nAckEx \d+\n$/);
    const numbers = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
    for (const output of received) assert.equal(await output, `ready\n${numbers}`);
  });

  test("JavaScript sees the kernel's locks as it sees the embedded ones", async () => {
    const { exitCode, output } = await lab
      .guest(1)
      .run(nodeCommand("test/dlm/kernel-lockspace.test.js"), 240_000);
    assert.equal(exitCode, 0, output);
    assert.match(output, /^# fail 0$/m);
    assert.match(output, /^# pass [1-9]\d+$/m);
  });

  test("lockspaces that dead processes left behind are given up by hand", async () => {
    for (const node of NODES) await lab.outputOf(node, LEAVE_ALL, 120_000);
    for (const node of NODES) assert.equal(await lab.outputOf(node, "ls /sys/kernel/dlm"), "");
  });

  test("slotmark measures locks and messages on both machines at once, and merges what they wrote", async () => {
    const members = files("/share").flatMap((member) => ["--member", member]);
    const short = ["--nodes", "2", "--trials", "1", "--time", "200ms", "--wait", "120s"];
    const run = ["locks", "messages", "--dlm", "kernel", ...members, ...short];
    for (const { exitCode, output } of await runOnBoth(lab, run)) {
      assert.equal(exitCode, 0, output);
      assert.match(output, /^This machine is in slot [01]\.$/m);
      assert.match(output, /^result file: /m);
    }
    const merged = join(disksFolder, "merged.json");
    const { code, stderr } = runSlotmark([
      "merge",
      ...(await fetchResults(lab, disksFolder)),
      "--out",
      merged,
    ]);
    assert.equal(code, 0, stderr);
    const { backends, cluster, trials } = readResult(merged);
    assert.deepEqual(backends, { dlm: "kernel", io: "none", members: "none" });
    assert.deepEqual(cluster?.machines.map(({ environment }) => environment.hostname).sort(), [
      "node1",
      "node2",
    ]);
    for (const node of [0, 1]) {
      const own = trials.filter(({ labels }) => labels.node === node && labels.nodes === 2);
      const count = (metric: string, labels: Record<string, unknown>) => {
        const found = own.filter((trial) =>
          Object.entries(labels).every(([name, value]) => trial.labels[name] === value),
        );
        assert.ok(found.length > 0, `${metric} with ${JSON.stringify(labels)} on node ${node}`);
        return Math.min(...found.map(({ metrics }) => metrics[metric]?.count ?? 0));
      };
      for (const master of ["local", "remote"]) {
        for (const valueBlock of [false, true]) {
          const alone = { contended: false, master, valueBlock };
          assert.ok(count("lock_latency_ns{op=request,mode=EX}", alone) > 0);
        }
      }
      assert.ok(count("lock_latency_ns{op=convert,mode=NL-EX}", { contended: true }) > 0);
      assert.ok(count("message_latency_ns", { role: "send", sender: node }) > 0);
      assert.ok(
        count("message_step_ns{role=receive,step=processed}", { role: "receive", sender: 1 - node }) > 0,
      );
    }
    const nothingLeft = "ls /sys/kernel/dlm | grep -c slotmark || true";
    for (const node of NODES) assert.equal(await lab.outputOf(node, nothingLeft), "0\n");
  });

  test("a slotmark that is killed is named to the other, and its lockspace to the next one", async () => {
    const members = files("/share").flatMap((member) => ["--member", member]);
    const run = ["locks", "--dlm", "kernel", ...members, "--time"];
    const running = [...run, "3s", "--nodes", "2", "--wait", "120s"];
    const survivor = runOn(lab, 1, running);
    const killed = runOn(lab, 2, running);
    await Promise.all(NODES.map((node) => runHasBegun(lab, node)));
    await killRun(lab, 2);
    assert.equal((await killed).exitCode, 137);
    const { exitCode, output } = await survivor;
    assert.equal(exitCode, 74, output);
    assert.match(output, /^slotmark: the machine in slot [01] has left the run$/m);
    const lockspaces = "ls /sys/kernel/dlm";
    assert.equal(await lab.outputOf(1, lockspaces), "");
    const [name = ""] = (await lab.outputOf(2, lockspaces)).split("\n");
    assert.match(name, /^slotmark-[0-9a-f-]{36}$/);
    const next = await runOn(lab, 2, [...run, "20ms", "--trials", "1", "--nodes", "1"]);
    assert.equal(next.exitCode, 0, next.output);
    assert.ok(next.output.includes(`\`dlm_tool leave ${name}\` gives it up`), next.output);
    await lab.outputOf(2, `dlm_tool leave ${name}`);
    assert.equal(await lab.outputOf(2, lockspaces), "");
  });

  test(
    "nodes of a running array: messages, a disk added, a process killed, its slot recovered",
    { timeout: 240_000 },
    () => runArray(lab, ["/dev/vdc", "/dev/vdd", "/dev/vde"], arrayDisks),
  );

  test("an array that md runs is refused", async () => {
    const disks = ["/dev/vda", "/dev/vdb"];
    const create = "mdadm --create /dev/md0 --run --metadata=1.2 --level=1 --raid-devices=2 --assume-clean";
    await lab.outputOf(1, `${create} --bitmap=clustered --nodes=2 ${disks.join(" ")}`, 120_000);
    const members = disks.flatMap((disk) => ["--member", disk]);
    const run = ["locks", "--dlm", "kernel", ...members, "--nodes", "1", "--trials", "1", "--time", "20ms"];
    const refused = await runOn(lab, 1, run);
    assert.equal(refused.exitCode, 2, refused.output);
    assert.match(refused.output, /the array runs in the kernel[\s\S]*\nStop the array on this machine/);
    await lab.outputOf(1, "mdadm --stop /dev/md0", 120_000);
  });

  test("an array that runs in the kernel is refused, and a machine without the cluster says what is missing", async () => {
    await lab.outputOf(1, `dlm_tool join ${ARRAY}`);
    const running = await lab.guest(1).run(`/share/kernel_member ${ARRAY} 2 /run/never`);
    assert.equal(running.exitCode, 2);
    assert.match(running.output, /^dlm-array-is-running: .* stop the array on this machine/m);
    await lab.outputOf(1, `dlm_tool leave ${ARRAY}`);
    const noDevice =
      "mv /dev/dlm-control /dev/hidden; /share/kernel_member x 2 /run/never; mv /dev/hidden /dev/dlm-control";
    assert.match((await lab.guest(1).run(noDevice)).output, /^dlm-device-missing: .*modprobe dlm/m);
  });

  test("a machine without power is noticed by the holder of the other slot", async () => {
    await Promise.all(NODES.map((node) => lab.outputOf(node, "dlm_tool join gone")));
    const members = "dlm_tool ls | sed -n '/^name *gone$/,/^$/s/^members *//p'";
    assert.equal(await lab.outputOf(1, members), "1 2 \n");
    const survivor = await KernelMember.start(lab, 1, ARRAY, 2, "survivor");
    await KernelMember.start(lab, 2, ARRAY, 2, "victim");
    await survivor.says(/^joined 1$/m);
    const pending = lab.guest(2).run("sleep 1000", 1_000_000);
    const lost = assert.rejects(pending, { code: "lab-guest-died" });
    await lab.guest(2).kill();
    await lost;
    await survivor.says(/^MachineDied 1$/m, 120_000);
    assert.equal(await lab.outputOf(1, members), "1 \n");
    await survivor.leave();
  });
});

function files(folder: string): string[] {
  return ["a.img", "b.img"].map((name) => join(folder, name));
}
