/** A node that writes until its thread or process is ended from outside; run as a process or as a worker thread. */
import { setImmediate } from "node:timers/promises";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { type ArrayNode, joinArray } from "../../src/cluster/array-node.js";
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";

const BLOCK = 4096;
/** Of the members' 64 MiB, well inside the array. */
const BLOCKS = 12_000;

export interface WritingNodes {
  readonly members: readonly string[];
  /** Numbers of the nodes in the lockspace. */
  readonly nodes: readonly number[];
}

async function join(members: readonly string[], node: number): Promise<ArrayNode> {
  return await joinArray({
    joinLockspace: ({ arrayUuid, onRecovery }) =>
      joinEmbeddedLockspace({ lockspace: arrayUuid, node, onRecovery, onExit: "die" }),
    memberPaths: members,
    daemonSleepMs: 40,
  });
}

/** Every fourth write is one of a plug; now and then they come back to the same blocks. */
async function writeForever(node: ArrayNode): Promise<never> {
  const block = () => Math.floor(Math.random() * BLOCKS) * BLOCK;
  for (;;) {
    const plug = Array.from({ length: Math.random() < 0.5 ? 1 : 4 }, () => ({
      offsetBytes: block(),
      lengthBytes: BLOCK,
    }));
    await node.writePlug(plug);
    await setImmediate();
  }
}

const { members, nodes }: WritingNodes = isMainThread ? JSON.parse(process.argv[2] ?? "{}") : workerData;
const joined: ArrayNode[] = [];
for (const node of nodes) joined.push(await join(members, node));
const say = () => (isMainThread ? process.stdout.write("writing\n") : parentPort?.postMessage("writing"));
void setImmediate().then(say);
await Promise.all(joined.map(writeForever));
