import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { buildConformance, runConformance, withResourcesMasteredBy } from "../../lab/conformance.js";
import { Lab, NODES } from "../../lab/lab.js";
import { missingForLab } from "../../lab/requirements.js";

const missing = missingForLab();
const skip = missing !== undefined && process.env.CI !== "true" ? `the lab cannot run: ${missing}` : false;

suite("two machines with the kernel's own DLM", { skip, timeout: 480_000 }, () => {
  let lab: Lab;
  let sharedFolder: string;
  before(async () => {
    sharedFolder = await mkdtemp(join(tmpdir(), "slotmark-lab-share-"));
    await buildConformance(sharedFolder);
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
    const { exitCode, output } = await lab.guest(1).run("printf 'a\\tb\\n'; echo ö >&2; exit 7");
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

  test("a lockspace spans both, and a machine without power leaves it", async () => {
    await Promise.all(NODES.map((node) => lab.outputOf(node, "dlm_tool join gone")));
    const members = "dlm_tool ls | sed -n '/^name *gone$/,/^$/s/^members *//p'";
    assert.equal(await lab.outputOf(1, members), "1 2 \n");
    const pending = lab.guest(2).run("sleep 1000", 1_000_000);
    const lost = assert.rejects(pending, { code: "lab-guest-died" });
    await lab.guest(2).kill();
    await lost;
    const alone = `until [ "$(${members})" = "1 " ]; do usleep 100000; done; echo alone`;
    assert.equal(await lab.outputOf(1, alone, 120_000), "alone\n");
  });
});
