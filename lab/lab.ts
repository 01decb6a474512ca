/** Two machines with the real kernel's DLM between them, from nothing to a joined cluster. */
import { rmSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SlotmarkError } from "../src/errors.js";
import type { CommandResult } from "./agent.js";
import { Guest } from "./guest.js";
import { buildInitrd } from "./initrd.js";
import { kernelImage } from "./kernel-image.js";
import { missingForLab } from "./requirements.js";

/** dist/lab/lab.js → the repository. */
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const CACHE_FOLDER = join(REPOSITORY, "build", "lab");
const GUEST_FOLDER = join(REPOSITORY, "lab", "guest");

export const NODES = [1, 2] as const;
export type NodeNumber = (typeof NODES)[number];

/** On two busy cores, 30 to 60 s is usual. */
const BOOT_TIMEOUT_MS = 150_000;
const JOIN_TIMEOUT_SECONDS = 120;

/** Why the lab cannot run here: something is not installed, or the guests' kernel cannot be had. Undefined where it can. */
export async function whyLabCannotRun(): Promise<string | undefined> {
  const missing = missingForLab();
  if (missing !== undefined) return missing;
  try {
    await kernelImage(CACHE_FOLDER);
    return undefined;
  } catch (error) {
    if (error instanceof SlotmarkError) return error.message;
    throw error;
  }
}

export interface LabOptions {
  /** Raw images on the host that both machines share. */
  readonly disks?: readonly string[];
  /** A folder that the machines see as /share; an empty one by default. */
  readonly sharedFolder?: string;
  /** Told what goes on. */
  readonly progress?: (text: string) => void;
}

export class Lab {
  readonly #guests: ReadonlyMap<NodeNumber, Guest>;
  /** Also called when the process exits before `stop`; the machines end with it by themselves. */
  readonly #removeFiles: () => void;

  private constructor(guests: ReadonlyMap<NodeNumber, Guest>, runFolder: string) {
    this.#guests = guests;
    this.#removeFiles = () => rmSync(runFolder, { recursive: true, force: true });
    process.once("exit", this.#removeFiles);
  }

  /**
   * Boots both machines and joins them: `dlm_tool status` lists both when this settles.
   * @throws SlotmarkError `lab-incomplete` where something is not installed, `lab-guest-timeout`, `lab-join-failed`
   */
  static async start({ disks = [], sharedFolder, progress = () => {} }: LabOptions = {}): Promise<Lab> {
    const missing = missingForLab();
    if (missing !== undefined) {
      throw new SlotmarkError(
        "input",
        "lab-incomplete",
        `the lab cannot run: ${missing}`,
        "Install what is missing.",
      );
    }
    progress("kernel");
    const kernel = await kernelImage(CACHE_FOLDER);
    const runFolder = await mkdtemp(join(tmpdir(), "slotmark-lab-"));
    const guests = new Map<NodeNumber, Guest>();
    const lab = new Lab(guests, runFolder);
    try {
      progress(`root file system for Linux ${kernel.release} (${kernel.version})`);
      const initrdPath = join(runFolder, "initrd");
      await buildInitrd(kernel, GUEST_FOLDER, initrdPath);
      const emptyFolder = join(runFolder, "share");
      await mkdir(emptyFolder);
      progress("boot");
      for (const node of NODES) {
        const options = { node, kernelPath: kernel.imagePath, initrdPath, runFolder, disks };
        guests.set(node, await Guest.start({ ...options, sharedFolder: sharedFolder ?? emptyFolder }));
      }
      await Promise.all(NODES.map((node) => lab.guest(node).ready(BOOT_TIMEOUT_MS)));
      progress("cluster");
      await Promise.all(NODES.map((node) => lab.#join(node)));
      return lab;
    } catch (error) {
      for (const guest of guests.values())
        progress(`console of node${guest.node}:\n${await guest.consoleTail()}`);
      await lab.stop();
      throw error;
    }
  }

  guest(node: NodeNumber): Guest {
    const guest = this.#guests.get(node);
    if (guest === undefined)
      throw new SlotmarkError("defect", "lab-no-such-node", `no node ${node}`, "Use 1 or 2.");
    return guest;
  }

  /** Standard output and error of a script that must succeed there. */
  async outputOf(node: NodeNumber, script: string, timeoutMs?: number): Promise<string> {
    const { exitCode, output } = await this.guest(node).run(script, timeoutMs);
    if (exitCode === 0) return output;
    throw new SlotmarkError(
      "device",
      "lab-guest-command-failed",
      `node${node}: ${script.trim().slice(0, 120)}: exit code ${exitCode}\n${output}`,
      "Read its output.",
    );
  }

  /** Ends both machines and takes their files away. */
  async stop(): Promise<void> {
    await Promise.all([...this.#guests.values()].map((guest) => guest.kill()));
    process.off("exit", this.#removeFiles);
    this.#removeFiles();
  }

  async #join(node: NodeNumber): Promise<CommandResult> {
    const command = `/lab/join-cluster ${NODES.length} ${JOIN_TIMEOUT_SECONDS}`;
    const result = await this.guest(node).run(command, (JOIN_TIMEOUT_SECONDS + 30) * 1000);
    if (result.exitCode === 0) return result;
    throw new SlotmarkError(
      "device",
      "lab-join-failed",
      `node${node} did not join the cluster:\n${result.output}`,
      "A busy host is the usual cause; try again when it is idle.",
    );
  }
}
