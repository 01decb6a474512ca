/**
 * When V8 compiles what nodes run. Every node is an isolate of its own; by default V8 hands optimised compilation to a few threads of
 * the process, which get no turn while many nodes keep all cores busy: 64 nodes on two cores then interpret their JavaScript for
 * minutes and spend ten times the CPU time a write. So nodes compile on their own threads, and soon: in the warm-up.
 */
import v8 from "node:v8";

/** Bytecode that a function runs between two looks at whether to optimise it; V8's own default is 66 KiB. */
const INTERRUPT_BUDGET_BYTES = 5000;

/** Before any node's thread is there: a thread keeps the way of compiling that it began with. */
export function compileOnOwnThread(): void {
  v8.setFlagsFromString("--no-concurrent-recompilation");
}

/** When all threads have started up: what they ran for that is not worth it. */
export function compileSoon(): void {
  v8.setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET_BYTES}`);
}
