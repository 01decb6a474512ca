/** A member of an array's lockspace in a guest (`native/examples/kernel_member.rs`): what it said so far, and its end. */
import type { Lab, NodeNumber } from "./lab.js";
import { buildNativeProgram } from "./native-program.js";

const PROGRAM = "kernel_member";

export async function buildMember(sharedFolder: string): Promise<void> {
  await buildNativeProgram("example", PROGRAM, sharedFolder);
}

export class KernelMember {
  readonly #lab: Lab;
  readonly node: NodeNumber;
  readonly #name: string;

  private constructor(lab: Lab, node: NodeNumber, name: string) {
    this.#lab = lab;
    this.node = node;
    this.#name = name;
  }

  /** Starts one and waits until it has its slot. `name` is its own on that guest. */
  static async start(
    lab: Lab,
    node: NodeNumber,
    arrayUuid: string,
    slots: number,
    name: string,
  ): Promise<KernelMember> {
    const member = new KernelMember(lab, node, name);
    const { out, stop, pid } = member.#files;
    await lab.outputOf(
      node,
      `rm -f ${stop}; /share/${PROGRAM} ${arrayUuid} ${slots} ${stop} >${out} 2>&1 & echo $! >${pid}`,
    );
    await member.says(/^slot \d+$/m);
    return member;
  }

  /** Everything that it has said, once that matches. */
  async says(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      // Asking takes a while, so that this is no busy loop.
      const said = await this.#lab.outputOf(this.node, `usleep 100000; cat ${this.#files.out}`);
      if (pattern.test(said)) return said;
      if (Date.now() > deadline)
        throw new Error(`node${this.node}, ${this.#name}: no ${pattern} in:\n${said}`);
    }
  }

  async leave(): Promise<void> {
    await this.#lab.outputOf(this.node, `touch ${this.#files.stop}`);
    await this.says(/^left$/m);
  }

  /** kill -9: its process alone. */
  async kill(): Promise<void> {
    await this.#lab.outputOf(this.node, `kill -9 $(cat ${this.#files.pid})`);
  }

  get #files() {
    const path = `/run/member-${this.#name}`;
    return { out: `${path}.out`, stop: `${path}.stop`, pid: `${path}.pid` };
  }
}
