import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildConformance, runConformance, withResourcesMasteredBy } from "../../lab/conformance.js";
import { Lab, NODES, whyLabCannotRun } from "../../lab/lab.js";
import { buildMember, KernelMember } from "../../lab/member.js";
import { buildNativeProgram } from "../../lab/native-program.js";
import { addNode, nodeCommand } from "../../lab/node-program.js";

const missing = await whyLabCannotRun();
const skip = missing !== undefined && process.env.CI !== "true" ? `the lab cannot run: ${missing}` : false;

const ARRAY = "c0f0a0ce-0000-4000-8000-000000000002";

suite("two machines with the kernel's own DLM", { skip, timeout: 480_000 }, () => {
  let lab: Lab;
  let sharedFolder: string;
  before(async () => {
    sharedFolder = await mkdtemp(join(tmpdir(), "slotmark-lab-share-"));
    await buildConformance(sharedFolder);
    await buildMember(sharedFolder);
    await addNode(sharedFolder);
    await buildNativeProgram("example", "kernel_channel", sharedFolder);
    lab = await Lab.start({ sharedFolder });
  });
  after(async () => {
    await lab?.stop();
    await rm(sharedFolder, { recursive: true, force: true });
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
