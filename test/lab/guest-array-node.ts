/** A node of a running array in one of the lab's machines, asked and heard from the host. */
import type { Lab, NodeNumber } from "../../lab/lab.js";
import { nodeCommand } from "../../lab/node-program.js";
import type { ClusterEvent } from "../../src/cluster/cluster-event.js";
import type { NodeProgramOptions, NodeRequest } from "./array-node-program.js";

/** Also for what copies a whole member. */
const TIMEOUT_MS = 90_000;

export class GuestArrayNode {
  private lastId = 0;
  private joinedSlot = -1;

  private constructor(
    private readonly lab: Lab,
    readonly machine: NodeNumber,
  ) {}

  /** From 0. */
  get slot(): number {
    return this.joinedSlot;
  }

  /** Starts it and waits until it has joined the array. One at a time on a machine. */
  static async join(lab: Lab, machine: NodeNumber, options: NodeProgramOptions): Promise<GuestArrayNode> {
    const program = nodeCommand("test/lab/array-node-program.js");
    await lab.outputOf(
      machine,
      `rm -f ${IN}; mkfifo ${IN}; ${program} '${JSON.stringify(options)}' <>${IN} >${OUT} 2>&1 & echo $! >${PID}`,
    );
    const node = new GuestArrayNode(lab, machine);
    node.joinedSlot = Number(/^slot (\d+)$/m.exec(await node.says(/^slot \d+$/m))?.[1]);
    return node;
  }

  /** Settles when it is done. */
  async ask(request: NodeRequest): Promise<void> {
    const id = await this.start(request);
    const said = await this.says(new RegExp(`^${id} (?:done|failed .*)$`, "m"));
    const failure = new RegExp(`^${id} failed (.*)$`, "m").exec(said)?.[1];
    if (failure !== undefined)
      throw new Error(`${this.name}, ${JSON.stringify(request)}: ${failure}\n${said}`);
  }

  /** Without waiting for its end. */
  async start(request: NodeRequest): Promise<number> {
    this.lastId += 1;
    await this.lab.outputOf(this.machine, `echo '${this.lastId} ${JSON.stringify(request)}' >${IN}`);
    return this.lastId;
  }

  /** Settles when its process has ended too. */
  async leave(): Promise<void> {
    await this.ask({ call: "leave" });
    await this.lab.outputOf(this.machine, `while ${RUNS}; do usleep 100000; done`);
  }

  /** Everything that it has said, once that matches. */
  async says(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      // Asking takes a while, so that this is no busy loop.
      const said = await this.lab.outputOf(this.machine, `usleep 100000; cat ${OUT}`);
      if (pattern.test(said)) return said;
      if (Date.now() > deadline) throw new Error(`${this.name}: no ${pattern} in:\n${said}`);
      const running = await this.lab.guest(this.machine).run(RUNS);
      if (running.exitCode !== 0 && !pattern.test(await this.said()))
        throw new Error(`${this.name} has ended:\n${await this.said()}`);
    }
  }

  async events(): Promise<ClusterEvent[]> {
    const lines = (await this.said()).matchAll(/^event (.*)$/gm);
    return [...lines].map(([, text = ""]): ClusterEvent => JSON.parse(text));
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.lab.outputOf(this.machine, `kill -9 $(cat ${PID})`);
  }

  private async said(): Promise<string> {
    return await this.lab.outputOf(this.machine, `cat ${OUT}`);
  }

  private get name(): string {
    return `the array's node on node${this.machine}`;
  }
}

const IN = "/run/array-node.in";
const OUT = "/run/array-node.out";
const PID = "/run/array-node.pid";
/** Not so for a zombie, which kill -0 would find. */
const RUNS = `[ -e /proc/$(cat ${PID})/exe ]`;
