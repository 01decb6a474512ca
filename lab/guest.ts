/** One emulated machine: its QEMU process, its console log and the agent inside. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, type CommandResult } from "./agent.js";

export interface GuestOptions {
  /** 1 or 2: also its id in the cluster. */
  readonly node: number;
  readonly kernelPath: string;
  readonly initrdPath: string;
  /** Sockets and logs of this run. Its path is short, since a socket's has at most 107 bytes. */
  readonly runFolder: string;
  /** Seen by the guest as /share, read-only. */
  readonly sharedFolder: string;
  /** Raw images that both machines have as /dev/vda, /dev/vdb and so on. */
  readonly disks: readonly string[];
}

const MEMORY_MIB = 768;
/** Lines of the console that an error quotes. */
const QUOTED_LINES = 15;

export class Guest {
  readonly node: number;
  readonly #agent: Agent;
  readonly #process: ChildProcess;
  readonly #consolePath: string;
  readonly #ended: Promise<unknown>;

  private constructor(node: number, agent: Agent, qemu: ChildProcess, consolePath: string) {
    this.node = node;
    this.#agent = agent;
    this.#process = qemu;
    this.#consolePath = consolePath;
    this.#ended = once(qemu, "close").then(
      ([code, signal]) => agent.close(`its emulator ended (${signal ?? `exit code ${code}`})`),
      (error: unknown) => agent.close(`its emulator did not start: ${String(error)}`),
    );
  }

  /** Starts the machine; `ready` waits for it. */
  static async start(options: GuestOptions): Promise<Guest> {
    const { node, runFolder } = options;
    const agentPath = join(runFolder, `agent${node}.sock`);
    const agent = await Agent.listen(agentPath, `node${node}`);
    const consolePath = join(runFolder, `console${node}.log`);
    const errors = openSync(join(runFolder, `qemu${node}.log`), "a");
    try {
      // The machine dies with this process, however that ends.
      const qemu = spawn(
        "setpriv",
        ["--pdeathsig", "KILL", "--", ...qemuCommand(options, agentPath, consolePath)],
        {
          stdio: ["ignore", errors, errors],
        },
      );
      return new Guest(node, agent, qemu, consolePath);
    } finally {
      closeSync(errors);
    }
  }

  async ready(timeoutMs: number): Promise<void> {
    await this.#agent.ready(timeoutMs);
  }

  async run(script: string, timeoutMs = 60_000): Promise<CommandResult> {
    return await this.#agent.run(script, timeoutMs);
  }

  /** Takes the power away: no process of the guest gets to do anything more. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  /** The last lines of its console. */
  async consoleTail(): Promise<string> {
    const text = await readFile(this.#consolePath, "utf8").catch(() => "");
    return text.trimEnd().split("\n").slice(-QUOTED_LINES).join("\n");
  }
}

/** Both machines hang on one wire of two UNIX datagram sockets: nothing of theirs reaches any network. */
function qemuCommand(options: GuestOptions, agentPath: string, consolePath: string): string[] {
  const { node, runFolder, disks } = options;
  const wire = (end: number) => join(runFolder, `wire${end}.sock`);
  const command = [
    "qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none",
    // KVM inside of a virtual machine hung at the kernel's entry where this was tried.
    "-machine q35 -accel tcg,thread=multi -cpu max -smp 1",
    `-m ${MEMORY_MIB}`,
    "-device virtio-rng-pci -device virtio-serial-pci -device virtserialport,chardev=agent,name=agent",
    `-device virtio-net-pci,netdev=wire,mac=52:54:00:00:00:0${node},romfile=`,
  ].flatMap((line) => line.split(" "));
  command.push(
    "-kernel",
    options.kernelPath,
    "-initrd",
    options.initrdPath,
    "-append",
    `console=ttyS0 panic=-1 mitigations=off lab.node=${node} lab.address=10.9.0.${node}/24`,
    "-serial",
    `file:${consolePath}`,
    "-chardev",
    `socket,id=agent,path=${agentPath}`,
    "-netdev",
    `dgram,id=wire,local.type=unix,local.path=${wire(node)},remote.type=unix,remote.path=${wire(3 - node)}`,
    "-virtfs",
    `local,path=${options.sharedFolder},mount_tag=share,security_model=none,readonly=on,id=share`,
  );
  for (const [index, disk] of disks.entries()) {
    command.push(
      "-drive",
      `file=${disk},format=raw,if=none,id=disk${index},cache=writeback,file.locking=off`,
      "-device",
      `virtio-blk-pci,drive=disk${index},share-rw=on,serial=lab${index}`,
    );
  }
  return command;
}
