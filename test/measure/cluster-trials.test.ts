import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gatherMachines } from "../../src/cluster/gather-machines.js";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { clusterLockTrials } from "../../src/measure/cluster-lock-trials.js";
import type { ClusterMachine } from "../../src/measure/cluster-machine.js";
import { clusterMessageTrials } from "../../src/measure/cluster-message-trials.js";
import type { MeasuredTrial } from "../../src/measure/measured-trial.js";
import { RunProgress } from "../../src/measure/run-progress.js";
import type { TrialSource } from "../../src/measure/runnable-trial.js";
import type { ClusterLockScenario, ClusterMessageScenario } from "../../src/scenario/cluster-scenario.js";

let lockspaces = 0;

/** The embedded lock manager looks like the kernel's, so nodes of one process stand for machines. */
async function machines(count: number): Promise<ClusterMachine[]> {
  const lockspace = `cluster-trials-${++lockspaces}`;
  const nodes = Array.from({ length: count }, (_, index) =>
    joinEmbeddedLockspace({ lockspace, node: index + 1 }),
  );
  return await Promise.all(
    nodes.map(async (node) => ({
      lockspace: node,
      gathered: await gatherMachines(node, { machines: count, workHash: "0".repeat(64), timeoutMs: 60_000 }),
    })),
  );
}

async function leave(all: readonly ClusterMachine[]): Promise<void> {
  for (const { lockspace } of all) await lockspace.leave({ force: true });
}

/** All machines' trials, each machine going through its own in order. */
async function measure(
  all: readonly ClusterMachine[],
  sourceOf: (machine: ClusterMachine) => TrialSource,
  signal = new AbortController().signal,
): Promise<(MeasuredTrial | null)[][]> {
  return await Promise.all(
    all.map(async (machine) => {
      const measured: (MeasuredTrial | null)[] = [];
      for (const trial of sourceOf(machine).trials) {
        const one = await trial.run(signal, new RunProgress());
        if (one !== null) assert.equal(one.trial.id, trial.id);
        measured.push(one);
      }
      return measured;
    }),
  );
}

const locks: ClusterLockScenario = {
  kind: "clusterLocks",
  suite: "locks",
  nodes: [3],
  valueBlock: [false, true],
  cores: ["idle"],
  trials: 1,
  timeMs: 20,
};
const messages: ClusterMessageScenario = {
  kind: "clusterMessages",
  suite: "messages",
  nodes: [3],
  variant: "safe",
  cores: ["idle"],
  trials: 2,
  timeMs: 20,
};

suite("trials over several machines", () => {
  test("each machine has its own record of every lock trial", async () => {
    const all = await machines(3);
    const measured = await measure(all, (machine) => clusterLockTrials(locks, machine));
    for (const [node, trials] of measured.entries()) {
      assert.deepEqual(
        trials.map((one) => one?.trial.id),
        ["bare", "lvb"].flatMap((block) =>
          ["local", "remote", "contended"].map(
            (situation) => `locks/n3/${block}/${situation}/idle/1/node${node}`,
          ),
        ),
      );
      for (const one of trials) {
        assert.ok(one !== null);
        const { labels, metrics } = one.trial;
        assert.deepEqual([labels.nodes, labels.node], [3, node]);
        const operations = labels.contended === true ? ["convert"] : ["request", "unlock", "convert"];
        assert.equal(
          Object.keys(metrics).filter((name) => name.startsWith("lock_latency_ns")).length,
          labels.contended === true ? 2 : 48,
        );
        for (const operation of operations) {
          const mode = operation === "convert" ? "NL-EX" : "EX";
          assert.ok((metrics[`lock_latency_ns{op=${operation},mode=${mode}}`]?.count ?? 0) > 0, operation);
        }
        assert.ok((metrics["lock_floor_ns{kind=futex}"]?.count ?? 0) > 0);
      }
    }
    // Of each contended trial one machine decides on the lock.
    const contended = measured.map((trials) => trials[2]?.trial.labels.master);
    assert.deepEqual([...contended].sort(), ["local", "remote", "remote"]);
    await leave(all);
  });

  test("one machine alone has nobody to measure against", async () => {
    const all = await machines(1);
    const [trials] = await measure(all, (machine) =>
      clusterLockTrials({ ...locks, nodes: [1], valueBlock: [true], cores: ["idle", "busy"] }, machine),
    );
    assert.deepEqual(
      trials?.map((one) => one?.trial.id),
      ["locks/n1/lvb/local/idle/1/node0", "locks/n1/lvb/local/busy/1/node0"],
    );
    await leave(all);
  });

  test("each machine sends in its turn, and all others receive every message", async () => {
    const all = await machines(3);
    const measured = await measure(all, (machine) => clusterMessageTrials(messages, machine));
    for (let trial = 0; trial < 6; trial++) {
      const records = measured.map((trials) => trials[trial]?.trial);
      const sender = trial % 3;
      const sent = records[sender]?.metrics.message_latency_ns;
      assert.ok((sent?.count ?? 0) > 0);
      for (const [node, record] of records.entries()) {
        assert.equal(record?.id, `messages/n3/from${sender}/idle/${Math.floor(trial / 3) + 1}/node${node}`);
        assert.deepEqual(
          [record?.labels.sender, record?.labels.role, record?.labels.node],
          [sender, node === sender ? "send" : "receive", node],
        );
        if (node !== sender)
          assert.equal(record?.metrics["message_step_ns{role=receive,step=processed}"]?.count, sent?.count);
      }
      const mean = (name: string) => records[sender]?.metrics[name]?.mean ?? Number.NaN;
      const parts = ["token", "message", "ack"].map((part) => mean(`message_latency_ns{part=${part}}`));
      const sum = parts.reduce((total, part) => total + part, 0);
      // Histograms keep three digits.
      assert.ok(Math.abs(sum / mean("message_latency_ns") - 1) < 0.01, `${parts.join(" + ")} is the whole`);
    }
    await leave(all);
  });

  test("a signal ends every machine's trial, also of those who wait for others", async () => {
    const all = await machines(2);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 50);
    const measured = await measure(
      all,
      (machine) => {
        const [first] = clusterLockTrials({ ...locks, nodes: [2], timeMs: 600_000 }, machine).trials;
        return { trials: first === undefined ? [] : [first], close: () => Promise.resolve() };
      },
      stop.signal,
    );
    assert.deepEqual(measured, [[null], [null]]);
    await leave(all);
  });

  test("a machine that goes is named, and nobody waits for ever", async () => {
    const all = await machines(3);
    const [first, second, third] = all as [ClusterMachine, ClusterMachine, ClusterMachine];
    const stop = new AbortController().signal;
    const waiting = [first, second].map((machine) => {
      const [trial] = clusterMessageTrials({ ...messages, timeMs: 50 }, machine).trials;
      return assert.rejects(trial?.run(stop, new RunProgress()) ?? Promise.resolve(), {
        code: "cluster-machine-gone",
        message: "the machine in slot 2 has left the run",
      });
    });
    await third.lockspace.leave({ force: true });
    await Promise.all(waiting);
    await leave([first, second]);
  });
});
