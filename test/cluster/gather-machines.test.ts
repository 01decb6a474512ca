import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type GatheredMachines, gatherMachines } from "../../src/cluster/gather-machines.js";
import { type EmbeddedLockspace, joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";

const WORK = "0123456789abcdef0123456789abcdef";
/** Long enough to be over only where nothing comes any more. */
const LONG_MS = 60_000;

let lockspaces = 0;

/** The lock managers look alike, so nodes of one process stand for machines. */
function join(count: number): EmbeddedLockspace[] {
  const lockspace = `gathering-${++lockspaces}`;
  return Array.from({ length: count }, (_, index) => joinEmbeddedLockspace({ lockspace, node: index + 1 }));
}

async function leave(nodes: readonly EmbeddedLockspace[]): Promise<void> {
  for (const node of nodes) if (!node.gone) await node.leave({ force: true });
}

function gather(node: EmbeddedLockspace, machines: number, timeoutMs = LONG_MS): Promise<GatheredMachines> {
  return gatherMachines(node, { machines, workHash: WORK, timeoutMs });
}

suite("machines find together", () => {
  for (const count of [1, 2, 3, 8]) {
    test(`${count}, all at once`, async () => {
      const nodes = join(count);
      const gathered = await Promise.all(nodes.map((node) => gather(node, count)));
      const slots = nodes.map(({ slot }) => slot);
      for (const one of gathered) assert.deepEqual([one.run, one.slots], [gathered[0]?.run, slots]);
      assert.match(gathered[0]?.run ?? "", /^[0-9a-f]{16}$/);
      await leave(nodes);
    });
  }

  test("one after another, and each hears how many have come", async () => {
    const nodes = join(3);
    const heard: number[] = [];
    const waiting: Promise<GatheredMachines>[] = [];
    for (const node of nodes) {
      const first = waiting.length === 0;
      waiting.push(
        gatherMachines(node, {
          machines: 3,
          workHash: WORK,
          timeoutMs: LONG_MS,
          onArrival: (come) => {
            if (first) heard.push(come);
          },
        }),
      );
      while (node !== nodes.at(-1) && heard.at(-1) !== waiting.length) await turn();
    }
    await Promise.all(waiting);
    assert.deepEqual(heard, [1, 2, 3]);
    await leave(nodes);
  });

  test("who comes in time is named when the others do not", async () => {
    const nodes = join(2);
    await assert.rejects(gather(nodes[0] as EmbeddedLockspace, 3, 500), {
      kind: "input",
      code: "cluster-machines-missing",
      message: "within 0.5 s 1 of 3 machines came (slot 0)",
    });
    const late = Promise.all(
      nodes.map((node) => assert.rejects(gather(node, 3, 500), /2 of 3 machines came|1 of 3/)),
    );
    await late;
    await leave(nodes);
  });

  test("a wait can be ended", async () => {
    const [node] = join(1);
    const stop = new AbortController();
    const waiting = gatherMachines(node as EmbeddedLockspace, {
      machines: 2,
      workHash: WORK,
      timeoutMs: LONG_MS,
      signal: stop.signal,
      onArrival: () => setImmediate(() => stop.abort(new Error("enough"))),
    });
    await assert.rejects(waiting, /enough/);
    await leave([node as EmbeddedLockspace]);
  });

  test("other work and other numbers are refused, and those who wait go on", async () => {
    const nodes = join(4);
    const [first, second, third, fourth] = nodes as [
      EmbeddedLockspace,
      EmbeddedLockspace,
      EmbeddedLockspace,
      EmbeddedLockspace,
    ];
    const arrived = new Promise<void>((resolve) => {
      void gatherMachines(first, {
        machines: 2,
        workHash: WORK,
        timeoutMs: LONG_MS,
        onArrival: () => resolve(),
      }).then((gathered) => gathered.barrier.meet());
    });
    await arrived;
    await assert.rejects(gather(second, 3), {
      kind: "input",
      code: "cluster-work-differs",
      message: /--nodes 2, this one with --nodes 3$/,
    });
    const other = gatherMachines(third, { machines: 2, workHash: "f".repeat(64), timeoutMs: LONG_MS });
    await assert.rejects(other, { code: "cluster-work-differs", message: /for other work$/ });
    const { barrier, slots } = await gather(fourth, 2);
    assert.deepEqual(slots, [1, 4]);
    await barrier.meet();
    await assert.rejects(gather(second, 2), { kind: "refused", code: "cluster-run-under-way" });
    await leave(nodes);
  });

  test("a roll of those who are gone is nobody's", async () => {
    const nodes = join(3);
    const [killed, survivor, next] = nodes as [EmbeddedLockspace, EmbeddedLockspace, EmbeddedLockspace];
    // Keeps the roll from going with those who wrote it.
    const keeper = survivor.request("run", "NL", { lvb: new Uint8Array(64) });
    await keeper.completion;
    void assert.rejects(gather(killed, 2, LONG_MS));
    await turn();
    survivor.declareDead([1]);
    const gathered = await Promise.all([gather(survivor, 2), gather(next, 2)]);
    assert.deepEqual(gathered[0].slots, [2, 3]);
    await leave(nodes);
  });
});

suite("the barrier", () => {
  test("nobody passes before all have come, a hundred times", async () => {
    const nodes = join(4);
    const gathered = await Promise.all(nodes.map((node) => gather(node, 4)));
    let arrivals = 0;
    const machine = async ({ barrier }: GatheredMachines, index: number) => {
      for (let meeting = 1; meeting <= 100; meeting++) {
        for (let pause = 0; pause < (meeting * (index + 1)) % 4; pause++) await turn();
        arrivals++;
        await barrier.meet();
        assert.ok(arrivals >= meeting * 4, `meeting ${meeting} with ${arrivals} arrivals`);
      }
    };
    await Promise.all(gathered.map(machine));
    assert.equal(arrivals, 400);
    await leave(nodes);
  });

  for (const how of ["dies", "leaves"] as const) {
    test(`who waits for a machine that ${how} hears which`, async () => {
      const nodes = join(3);
      const gathered = await Promise.all(nodes.map((node) => gather(node, 3)));
      await Promise.all(gathered.map(({ barrier }) => barrier.meet()));
      const [first, second, third] = nodes as [EmbeddedLockspace, EmbeddedLockspace, EmbeddedLockspace];
      const waiting = [0, 1].map((index) =>
        assert.rejects(gathered[index]?.barrier.meet() ?? Promise.resolve(), {
          kind: "device",
          code: "cluster-machine-gone",
          message: "the machine in slot 2 has left the run",
        }),
      );
      await turn();
      if (how === "dies") first.declareDead([3]);
      else await third.leave({ force: true });
      await Promise.all(waiting);
      await leave([first, second]);
    });
  }

  test("a wait in it can be ended", async () => {
    const nodes = join(2);
    const gathered = await Promise.all(nodes.map((node) => gather(node, 2)));
    const stop = new AbortController();
    const waiting = assert.rejects(gathered[0]?.barrier.meet(stop.signal) ?? Promise.resolve(), /enough/);
    await turn();
    stop.abort(new Error("enough"));
    await waiting;
    await leave(nodes);
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
