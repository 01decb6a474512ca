import assert from "node:assert/strict";
import { once } from "node:events";
import { after, suite, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Channel, ChannelLockCall, ChannelOptions } from "../../src/dlm/channel.js";
import { type EmbeddedLockspace, joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { until } from "../cluster/test-array.js";
import { startChannelWorker, terminateWorkers } from "./start-worker.js";

interface End {
  readonly lockspace: EmbeddedLockspace;
  readonly channel: Channel;
  readonly heard: number[];
}

async function open(lockspace: string, node: number, options: Partial<ChannelOptions> = {}): Promise<End> {
  const joined = joinEmbeddedLockspace({ lockspace, node });
  const heard: number[] = [];
  const onMessage = (payload: Uint8Array) => void heard.push(payload[0] ?? -1);
  return { lockspace: joined, channel: await joined.openChannel({ onMessage, ...options }), heard };
}

async function closeAll(...ends: readonly End[]): Promise<void> {
  for (const { channel, lockspace } of ends) {
    channel.close();
    if (!lockspace.gone) await lockspace.leave({ force: true });
  }
}

const message = (byte: number) => new Uint8Array(64).fill(byte);

suite("the message channel", () => {
  test("all others have processed a message when its send is over, and all see one order", async () => {
    const ends = await Promise.all([1, 2, 3].map((node) => open("order", node)));
    const [first, second, third] = ends;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const times = await first.channel.send(message(1));
    assert.deepEqual([first.heard, second.heard, third.heard], [[], [1], [1]]);
    const { processed = 0, all = 0, turn, tokenEx, receiveTurn, messageEx, messageWritten, ackEx } = times;
    assert.ok(processed > 0 && all >= processed);
    const parts = [turn, tokenEx, receiveTurn, messageEx, messageWritten, ackEx];
    assert.equal(
      parts.reduce<number>((sum, part) => sum + (part ?? Number.NaN), 0),
      processed,
    );
    await Promise.all(
      [10, 20, 30].flatMap((byte) =>
        ends.map(({ channel, lockspace }) => channel.send(message(byte + lockspace.node))),
      ),
    );
    // Each lacks its own; what two of them have in common they have in the same order.
    for (const one of ends) {
      assert.equal(one.heard.filter((byte) => byte >= 10).length, 6);
      for (const other of ends) {
        const common = (heard: readonly number[], others: readonly number[]) =>
          heard.filter((byte) => others.includes(byte));
        assert.deepEqual(common(one.heard, other.heard), common(other.heard, one.heard));
      }
    }
    await closeAll(...ends);
  });

  test("the sender waits for a receiver's promise", async () => {
    let finish = () => {};
    let reach = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const sender = await open("promise", 1);
    const receiver = await open("promise", 2, {
      onMessage: () => {
        reach();
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    let sent = false;
    const sending = sender.channel.send(message(1)).then(() => {
      sent = true;
    });
    await reached;
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    assert.equal(sent, false);
    finish();
    await sending;
    await closeAll(sender, receiver);
  });

  test("a receiver that throws refuses: the sender times out, and the next message arrives", async () => {
    const errors: unknown[] = [];
    const heard: number[] = [];
    const sender = await open("refusing", 1, { timeoutMs: 50 });
    const receiver = await open("refusing", 2, {
      onMessage: ([byte = 0]) => {
        heard.push(byte);
        if (byte === 1) throw new Error("not this one");
      },
      onError: (error) => errors.push(error),
    });
    await assert.rejects(sender.channel.send(message(1)), {
      name: "SlotmarkError",
      errnoName: "ETIMEDOUT",
      code: "channel-timed-out",
      message: /^ETIMEDOUT: sending a message: converting `ack` to Ex: no answer in time$/,
    });
    await sender.channel.send(message(2));
    assert.deepEqual(heard, [1, 2]);
    assert.equal(errors.length, 1);
    await closeAll(sender, receiver);
  });

  test("a send that waits is cancelled by its signal", async () => {
    const sender = await open("signal", 1);
    const receiver = await open("signal", 2);
    await receiver.channel.takeToken();
    const stop = new AbortController();
    const sending = sender.channel.send(message(1), { signal: stop.signal });
    setTimeout(() => stop.abort(), 5);
    await assert.rejects(sending, { errnoName: "ECANCELED", code: "channel-cancelled" });
    await receiver.channel.releaseToken();
    await sender.channel.send(message(2));
    assert.deepEqual(receiver.heard, [2]);
    await closeAll(sender, receiver);
  });

  test("under the token several messages belong together; no-new-dev is a veto", async () => {
    const sender = await open("token", 1);
    const receiver = await open("token", 2);
    await sender.channel.takeToken();
    assert.ok("tokenEx" in (await sender.channel.send(message(1))));
    await sender.channel.convertNoNewDev("NL");
    const attempt = sender.channel.convertNoNewDev("EX", { wait: "no" });
    await assert.rejects(attempt, { errnoName: "EAGAIN" });
    await receiver.channel.convertNoNewDev("NL");
    await sender.channel.convertNoNewDev("EX", { wait: "no" });
    await sender.channel.convertNoNewDev("CR");
    await sender.channel.releaseToken();
    await assert.rejects(sender.channel.convertResync("EX"), { errnoName: "EINVAL" });
    await sender.channel.joinResync();
    await sender.channel.convertResync("EX", { wait: "forever" });
    await closeAll(sender, receiver);
  });

  test("its lock calls are told before what they led to", async () => {
    const told: string[] = [];
    const onLockCall = (call: ChannelLockCall) => {
      if (call.kind === "call") {
        assert.ok(call.startNs > 0 && call.endNs >= call.startNs);
        told.push(`${call.resource} ${call.mode} ${call.flags.join("|")} ${call.status}`);
      } else told.push(`${call.kind} ${call.resource} ${call.mode}`);
    };
    const receiver = await open("calls", 1, {
      onLockCall,
      onMessage: async () => {
        told.push("message");
        await receiver.channel.convertNoNewDev("NL");
        told.push("agreed");
      },
    });
    const joined = told.splice(0);
    assert.equal(joined[0], "message NL VALBLK|EXPEDITE 0");
    assert.equal(joined.at(-1), "no-new-dev CR CONVERT 0");
    const vetoes: ChannelLockCall[] = [];
    const sender = await open("calls", 2, { onLockCall: (call) => vetoes.push(call) });
    told.splice(0);
    await sender.channel.takeToken();
    await sender.channel.send(message(1));
    // The sender goes on at the receiver's first call after the message; the others follow in their own time.
    await until(() => told.at(-1) === "message NL CONVERT|VALBLK 0");
    await receiver.channel.convertNoNewDev("CR");
    await assert.rejects(sender.channel.convertNoNewDev("EX", { wait: "no" }), { errnoName: "EAGAIN" });
    const veto = vetoes.at(-1);
    assert.ok(veto?.kind === "call");
    assert.deepEqual(
      [veto.resource, veto.mode, veto.flags, veto.status],
      ["no-new-dev", "EX", ["NOQUEUE", "CONVERT"], -11],
    );
    assert.deepEqual(told, [
      "blocked ack EX",
      "message CR CONVERT|VALBLK 0",
      "message",
      "no-new-dev NL CONVERT 0",
      "agreed",
      "ack NL CONVERT 0",
      "message PR CONVERT|VALBLK 0",
      "ack CR CONVERT 0",
      "message NL CONVERT|VALBLK 0",
      "no-new-dev CR CONVERT 0",
    ]);
    await closeAll(sender, receiver);
  });

  test("misuse", async () => {
    const end = await open("misuse", 1);
    const length = { errnoName: "EINVAL", code: "dlm-lvb-length" };
    await assert.rejects(end.channel.send(new Uint8Array(63)), length);
    await assert.rejects(end.channel.convertNoNewDev(JSON.parse('"XX"')), { errnoName: "EINVAL" });
    const onMessage = () => {};
    await assert.rejects(end.lockspace.openChannel({ onMessage, variant: JSON.parse('"x"') }), {
      errnoName: "EINVAL",
      code: "channel-variant",
    });
    await closeAll(end);
    assert.equal(end.channel.closed, true);
    await assert.rejects(end.channel.send(message(1)), { errnoName: "ESHUTDOWN", code: "channel-closed" });
    await assert.rejects(end.lockspace.openChannel({ onMessage }), { errnoName: "ESHUTDOWN" });
  });

  test("a time-out that is no time is refused by its name", async () => {
    const lockspace = joinEmbeddedLockspace({ lockspace: "no-time", node: 1 });
    const onMessage = () => {};
    for (const timeoutMs of [Number.NaN, -1, Number.NEGATIVE_INFINITY]) {
      await assert.rejects(lockspace.openChannel({ onMessage, timeoutMs }), {
        name: "SlotmarkError",
        errnoName: "EINVAL",
        code: "channel-timeout-ms",
        message: /^EINVAL: joining the channel: timeoutMs is (NaN|-1|-inf)$/,
      });
    }
    await assert.rejects(lockspace.openChannel({ onMessage, timeoutMs: JSON.parse('"1"') }), {
      errnoName: "EINVAL",
      code: "channel-argument",
    });
    (await lockspace.openChannel({ onMessage, timeoutMs: 0 })).close();
    await lockspace.leave({ force: true });
  });

  test("a time-out beyond every clock is none", async () => {
    const holder = await open("no-limit", 1);
    const limits = [Number.POSITIVE_INFINITY, Number.MAX_VALUE, 1e15, null];
    const waiting = await Promise.all(
      limits.map((timeoutMs, index) => open("no-limit", index + 2, { timeoutMs })),
    );
    const short = await open("no-limit", 9, { timeoutMs: 1 });
    await holder.channel.takeToken();
    const abort = new AbortController();
    const sending = waiting.map(({ channel }) => channel.send(message(1), { signal: abort.signal }));
    const settled = Promise.allSettled(sending);
    // Whoever waits for less has begun later and is through before.
    await assert.rejects(short.channel.send(message(2)), { errnoName: "ETIMEDOUT" });
    abort.abort();
    for (const outcome of await settled) {
      assert.ok(outcome.status === "rejected");
      assert.equal(outcome.reason.errnoName, "ECANCELED");
    }
    await holder.channel.releaseToken();
    await closeAll(holder, short, ...waiting);
  });

  test("what is under way ends when the channel is closed, or its node declared dead", async () => {
    const first = await open("closing", 1);
    const second = await open("closing", 2);
    const third = await open("closing", 3);
    await third.channel.takeToken();
    const closed = first.channel.send(message(1));
    const dead = second.channel.send(message(2));
    setTimeout(() => {
      first.channel.close();
      third.lockspace.declareDead([2]);
    }, 5);
    await assert.rejects(closed, { errnoName: "ECANCELED" });
    await assert.rejects(dead, { errnoName: "ESHUTDOWN" });
    await closeAll(first, second, third);
  });

  suite("with worker threads", () => {
    const lockspace = "channel-workers";
    let end: End | undefined;
    after(async () => {
      await terminateWorkers();
      if (end !== undefined) await closeAll(end);
    });

    test("a receiver terminated while it processes holds nobody up", { timeout: 60_000 }, async () => {
      end = await open(lockspace, 1);
      const answering = await startChannelWorker({ lockspace, node: 2, behaviour: "answer" });
      const hanging = await startChannelWorker({ lockspace, node: 3, behaviour: "hang" });
      const reached = once(hanging, "message");
      const answered = once(answering, "message");
      const sending = end.channel.send(message(7));
      assert.deepEqual(await reached, [7]);
      await hanging.terminate();
      await sending;
      assert.deepEqual(await answered, [7]);
      await answering.terminate();
      assert.deepEqual(end.lockspace.members(), [{ node: 1, slot: 1 }]);
    });

    test("senders terminated between any two steps leave a channel that works", {
      timeout: 60_000,
    }, async () => {
      assert.ok(end !== undefined);
      for (let round = 0; round < 15; round++) {
        const sender = await startChannelWorker({ lockspace, node: 2, behaviour: "send" });
        const before = end.heard.length;
        while (end.heard.length < before + round) await setImmediate();
        await sender.terminate();
        await end.channel.send(message(1));
      }
      assert.deepEqual(end.lockspace.members(), [{ node: 1, slot: 1 }]);
    });
  });
});
