/**
 * A process that ends with locks held, in the way that its argument names. Run by `process-exit.test.ts`.
 */
import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { startWorker } from "./start-worker.js";

const lockspace = "exiting";
const node = joinEmbeddedLockspace({ lockspace, node: 1 });
const other = joinEmbeddedLockspace({ lockspace, node: 2 });
const way = process.argv[2];
const { lock, completion } = node.request("shared", "EX", {
  onBlocking: (_, blocking) => {
    if (way === "throw") throw new Error("on purpose");
    if (way === "wait") void blocking.unlock();
  },
});
await completion;

if (way === "exit") {
  await startWorker({ lockspace, node: 3, behaviour: "sleep" });
  await startWorker({ lockspace, node: 4, behaviour: "queue" });
  await startWorker({ lockspace, node: 5, behaviour: "churn" });
  void other.request("shared", "EX").completion;
  process.exit(lock.mode === "EX" ? 0 : 1);
}
if (way === "throw" || way === "wait") {
  await other.request("shared", "EX").completion;
  process.exitCode = 7;
}
