/**
 * A node of a running array over the kernel's DLM, in a process of its own: `array-node-program.js OPTIONS`. Each line of
 * standard input is `ID` and a `NodeRequest`; standard output has the node's events, and how each request ended: `ID done` or
 * `ID failed CODE: MESSAGE`. It ends when it has left.
 */
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { type ArrayNode, joinArray } from "../../src/cluster/array-node.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import { joinKernelLockspace } from "../../src/dlm/kernel-lockspace.js";
import { SlotmarkError } from "../../src/errors.js";

export interface NodeProgramOptions {
  readonly members: readonly string[];
  /** Where new devices appear. */
  readonly visible: readonly string[];
}

export type NodeRequest =
  | { readonly call: "addDisk"; readonly path: string }
  | { readonly call: "failMember"; readonly device: number }
  | { readonly call: "write" | "writeUntilTheEnd"; readonly firstBlock: number; readonly blocks: number }
  | { readonly call: "leave" };

const BLOCK_BYTES = 65_536;
/** An emulated machine may stand still for seconds. */
const TIMEOUTS = { lockMs: 60_000, newDeviceMs: 30_000 };

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function sayEvent(event: ClusterEvent): void {
  if (event.kind === "pageWrite" || event.kind === "superblockWrite" || event.kind === "tokenHeld") return;
  say(`event ${JSON.stringify(event)}`);
}

function blocksOf({ firstBlock, blocks }: { readonly firstBlock: number; readonly blocks: number }) {
  return Array.from({ length: blocks }, (_, index) => ({
    offsetBytes: (firstBlock + index) * BLOCK_BYTES,
    lengthBytes: 4096,
  }));
}

async function carryOut(node: ArrayNode, request: NodeRequest): Promise<void> {
  switch (request.call) {
    case "addDisk":
      await node.addDisk({ path: request.path });
      return;
    case "failMember":
      return await node.failMember(request.device);
    case "write":
      return await node.writePlug(blocksOf(request));
    case "writeUntilTheEnd":
      for (let plug = 0; ; plug++) {
        await node.writePlug(blocksOf(request));
        if (plug === 0) say("writing");
        await setImmediate();
      }
    case "leave":
      await node.leave();
  }
}

async function answer(node: ArrayNode, id: string, text: string): Promise<void> {
  try {
    const request: NodeRequest = JSON.parse(text);
    await carryOut(node, request);
    say(`${id} done`);
  } catch (error) {
    say(`${id} failed ${error instanceof SlotmarkError ? `${error.code}: ${error.message}` : String(error)}`);
  }
}

const { members, visible }: NodeProgramOptions = JSON.parse(process.argv[2] ?? "{}");
const node = await joinArray({
  joinLockspace: ({ arrayUuid, nodes, onRecovery }) =>
    joinKernelLockspace({ arrayUuid, slots: nodes, onRecovery }),
  memberPaths: members,
  visiblePaths: visible,
  timeouts: TIMEOUTS,
  onEvent: sayEvent,
});
say(`slot ${node.slot}`);
const answers: Promise<void>[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  const [, id = "", request = ""] = /^(\d+) (.*)$/.exec(line) ?? [];
  answers.push(answer(node, id, request));
  if (request.includes('"leave"')) break;
}
await Promise.all(answers);
// Somebody may still write to it, which would keep this process.
process.stdin.destroy();
