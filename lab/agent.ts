/** The host's end of a guest's serial port: commands go in, their output and exit codes come back (`guest/agent`). */
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { SlotmarkError } from "../src/errors.js";

export interface CommandResult {
  readonly exitCode: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

interface Pending {
  resolve(result: CommandResult): void;
  reject(error: SlotmarkError): void;
}

/** The line that the agent sends when it is ready has this number. */
const READY_ID = "0";

export class Agent {
  readonly #server: Server;
  readonly #pending = new Map<string, Pending>();
  readonly #guestName: string;
  #socket: Socket | undefined;
  #gone: SlotmarkError | undefined;
  #lastId = 0;

  private constructor(server: Server, guestName: string) {
    this.#server = server;
    this.#guestName = guestName;
  }

  /** Waits at `socketPath` for the machine, which is started after this. */
  static async listen(socketPath: string, guestName: string): Promise<Agent> {
    const server = createServer();
    const agent = new Agent(server, guestName);
    server.on("connection", (socket) => agent.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socketPath, resolve);
    });
    return agent;
  }

  /** Settles when the guest's agent runs. */
  async ready(timeoutMs: number): Promise<void> {
    await this.#answerOf(READY_ID, timeoutMs, "to boot");
  }

  /**
   * Runs a script by the guest's `sh`.
   * @throws SlotmarkError `lab-guest-died` or `lab-guest-timeout`
   */
  async run(script: string, timeoutMs: number): Promise<CommandResult> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const answer = this.#answerOf(id, timeoutMs, `for: ${script.trim().slice(0, 120)}`);
    this.#socket?.write(`${id} ${Buffer.from(script).toString("base64")}\n`);
    return await answer;
  }

  /** Nothing more will come: everything that waits ends with `reason`. */
  close(reason: string): void {
    this.#gone ??= new SlotmarkError(
      "device",
      "lab-guest-died",
      `${this.#guestName}: ${reason}`,
      "Read its console log.",
    );
    for (const pending of this.#pending.values()) pending.reject(this.#gone);
    this.#pending.clear();
    this.#socket?.destroy();
    this.#server.close();
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    const lines = createInterface({ input: socket }).on("line", (line) => this.#received(line));
    // A machine that loses its power resets the connection; that it is gone, its emulator's end tells.
    for (const source of [socket, lines]) source.on("error", () => socket.destroy());
  }

  #received(line: string): void {
    const [id = "", code = "", output = ""] = line.split(" ");
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.resolve({ exitCode: Number(code), output: Buffer.from(output, "base64").toString("utf8") });
  }

  #answerOf(id: string, timeoutMs: number, what: string): Promise<CommandResult> {
    return new Promise<CommandResult>((resolve, reject) => {
      if (this.#gone !== undefined) {
        reject(this.#gone);
        return;
      }
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(
          new SlotmarkError(
            "device",
            "lab-guest-timeout",
            `${this.#guestName} took more than ${timeoutMs / 1000} s ${what}`,
            "Read its console log; a busy host may need a longer time-out.",
          ),
        );
      }, timeoutMs);
      this.#pending.set(id, {
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }
}
