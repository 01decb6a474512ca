/** The kernel's traces in test/golden/writes, and how each becomes a replay script of either form. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { PageWrite, WriteCause } from "../../src/replay/page-write.js";
import type { MdCall, ReplayScript } from "../../src/replay/script.js";

const TRACES = fileURLToPath(new URL("../../../test/golden/writes/", import.meta.url));

const scenarioSchema = z.object({
  members: z.array(z.string()),
  geometry: z.object({
    data_offset: z.number(),
    super_offset: z.number(),
    bitmap_offset: z.number(),
    sync_size_sectors: z.number(),
    chunk_bytes: z.number(),
    daemon_sleep_s: z.number(),
    nodes: z.number(),
    sb_events: z.number(),
  }),
  script: z.array(
    z.object({
      node: z.number(),
      t: z.number(),
      offset: z.number(),
      length: z.number(),
      mode: z.string(),
      start: z.number(),
      end: z.number(),
    }),
  ),
  commands: z.array(z.object({ t: z.number(), node: z.number(), cmd: z.string() })),
});

export type PageRow = Omit<PageWrite, "timeSeconds" | "cause"> & { readonly timeSeconds: number };

interface MdRow {
  readonly timeSeconds: number;
  readonly node: number;
  readonly event: string;
  readonly args: Readonly<Record<string, string>>;
}

export class GoldenTrace {
  readonly scenario: z.infer<typeof scenarioSchema>;
  /** Bitmap page writes as the kernel issued them, up to the end of what replay is held to. */
  readonly pageWrites: readonly PageRow[];
  private readonly calls: readonly MdRow[];
  private readonly untilSeconds: number;

  constructor(readonly name: string) {
    this.scenario = scenarioSchema.parse(JSON.parse(readFileSync(`${TRACES}${name}/scenario.json`, "utf8")));
    // What follows a removal (re-add, recovery) is the cluster's, not the bitmap's.
    const removal = this.scenario.commands.find(({ cmd }) => cmd.includes("--remove"));
    const rows = this.rows("writes.csv");
    const tracedRows = this.rows("events.csv");
    this.untilSeconds = removal?.t ?? Math.ceil(Math.max(...tracedRows.map((row) => Number(row.time_s))));
    this.pageWrites = rows
      .filter((row) => row.kind === "bitmap" && Number(row.time_s) <= this.untilSeconds)
      .map((row) => ({
        timeSeconds: Number(row.time_s),
        node: Number(row.node) - 1,
        member: row.disk ?? "",
        slot: Number(row.slot),
        page: Number(row.page),
        sector: Number(row.sector),
        sectors: Number(row.sectors),
      }));
    this.calls = tracedRows.map((row) => ({
      timeSeconds: Number(row.time_s),
      node: Number(row.node) - 1,
      event: row.event ?? "",
      args: Object.fromEntries((row.args ?? "").split(" ").map((arg) => arg.split("="))),
    }));
  }

  get clustered(): boolean {
    return this.scenario.geometry.nodes > 1;
  }

  /** Why each page write happened: the md call within which the kernel issued it. One entry a bio: node, sector, cause. */
  causes(): string[] {
    const doing = new Map<number, WriteCause>();
    const flushing = new Set<number>();
    const causes: string[] = [];
    for (const { timeSeconds, node, event, args } of this.calls) {
      if (timeSeconds > this.untilSeconds) break;
      if (event === "bitmap_flush") flushing.add(node);
      else if (event === "unplug") doing.set(node, "unplug");
      else if (event === "dpass") doing.set(node, flushing.has(node) ? "stop" : "daemon");
      // Only a superblock update waits for its page.
      else if (event === "write_page" && args.wait === "1") doing.set(node, "superblock");
      else if (event === "super_write" && Number(args.sector) !== this.scenario.geometry.super_offset) {
        causes.push(`node ${node} sector ${args.sector} ${doing.get(node)}`);
      }
    }
    return causes;
  }

  /** md's own calls, as traced. */
  eventsScript(): ReplayScript {
    return { ...this.common(), events: [...this.memberCalls(), ...this.mdCalls()] };
  }

  /** The application writes and commands of the scenario; md's behaviour is the model's. */
  writesScript(): ReplayScript {
    const { script, commands } = this.scenario;
    const of = (part: string) =>
      commands
        .filter(({ cmd }) => cmd.includes(part))
        .map(({ node, t }) => ({ node: node - 1, atSeconds: t }));
    return {
      ...this.common(),
      start: this.start(),
      writes: script.map(({ node, mode, start, end, offset, length }, index) => {
        const together = this.startedTogether(index);
        return {
          node: node - 1,
          atSeconds: start,
          durationSeconds: Math.max(0, Number((end - start).toFixed(6))),
          offsetBytes: offset,
          lengthBytes: length,
          submit: mode.startsWith("A") ? ("batch" as const) : ("sync" as const),
          ...(together === undefined ? {} : { depthGroup: together }),
        };
      }),
      wakes: of("sync_action"),
      stops: of("--stop"),
    };
  }

  /** Writes that the trace shows in one unplug: those of one io_submit, or of threads that all start at once. */
  private startedTogether(index: number): string | undefined {
    const { script } = this.scenario;
    const write = script[index];
    if (write === undefined) return undefined;
    if (write.mode.startsWith("A")) return `${write.t} ${write.mode}`;
    const threads = script
      .filter(({ node, t }) => node === write.node && t === write.t)
      .map(({ mode }) => mode);
    return threads.length > 1 && new Set(threads).size === threads.length
      ? `threads at ${write.t}`
      : undefined;
  }

  private common(): Omit<ReplayScript, "events" | "writes"> {
    const { geometry, members } = this.scenario;
    return {
      geometry: {
        syncSizeSectors: geometry.sync_size_sectors,
        chunkBytes: geometry.chunk_bytes,
        nodes: geometry.nodes,
        members,
        superOffsetSectors: geometry.super_offset,
        bitmapOffsetSectors: geometry.bitmap_offset,
        dataOffsetSectors: geometry.data_offset,
        logicalBlockBytes: 512,
        daemonSleepSeconds: geometry.daemon_sleep_s,
      },
      memberOrder: Object.fromEntries(
        [0, 1].slice(0, Math.max(1, geometry.nodes)).map((n) => [n, this.order(n)]),
      ),
      untilSeconds: this.untilSeconds,
    };
  }

  /** The node's rdev list: the order in which its first page went out; a lone survivor's place does not matter. */
  private order(node: number): string[] {
    const written = this.pageWrites.filter((row) => row.node === node).map(({ member }) => member);
    return [...new Set([...written, ...this.scenario.members])];
  }

  /** Event counts as polled on disk before the script began. */
  private start(): NonNullable<ReplayScript["start"]> {
    const cleared: Record<string, number> = {};
    let events = this.scenario.geometry.sb_events;
    for (const row of this.rows("bitmap_states.csv").filter((row) => Number(row.time_s) < 0)) {
      if (row.slot === "sb") events = Number(row.events);
      else cleared[row.slot ?? ""] = Number(row.events_cleared);
    }
    return { eventsCleared: cleared, events, active: this.clustered };
  }

  private memberCalls(): MdCall[] {
    return this.scenario.commands.flatMap(({ t, node, cmd }) => {
      const member = /--fail \/dev\/(\w+)/.exec(cmd)?.[1];
      return member === undefined ? [] : [{ node: node - 1, atSeconds: t, op: "fail" as const, member }];
    });
  }

  private mdCalls(): MdCall[] {
    const calls: MdCall[] = [];
    let flushing = -1;
    for (const { timeSeconds: atSeconds, node, event, args } of this.calls) {
      const at = { node, atSeconds };
      const span = { sector: Number(args.off), sectors: Number(args.secs) };
      if (event === "startwrite") calls.push({ ...at, op: "startWrite", ...span });
      else if (event === "endwrite") calls.push({ ...at, op: "endWrite", ...span, failed: args.ok === "0" });
      else if (event === "unplug") calls.push({ ...at, op: "unplug" });
      else if (event === "raid1d") calls.push({ ...at, op: "wake" });
      else if (event === "bitmap_update_sb") calls.push({ ...at, op: "bitmapSuper" });
      else if (event === "bitmap_load") calls.push({ ...at, op: "load" });
      else if (event === "do_sync") calls.push({ ...at, op: "startSync" });
      else if (event === "close_sync") calls.push({ ...at, op: "closeSync" });
      else if (event === "bitmap_flush") {
        flushing = node;
        calls.push({ ...at, op: "stop" });
      } else if (event === "dpass" && node !== flushing) {
        calls.push({ ...at, op: "pass", needSync: args.needsync === "1" });
      }
    }
    return calls;
  }

  private rows(file: string): Record<string, string>[] {
    const [head = "", ...lines] = readFileSync(`${TRACES}${this.name}/${file}`, "utf8").trimEnd().split("\n");
    const names = head.split(",");
    return lines.map((line) => {
      const fields = line.split(",");
      return Object.fromEntries(names.map((name, i) => [name, fields[i] ?? ""]));
    });
  }
}

/** The traces that replay is held to: A to G, N, and H_fail_readd up to the removal. */
export function goldenTraces(): GoldenTrace[] {
  if (!existsSync(TRACES)) throw new Error(`${TRACES} is missing`);
  return readdirSync(TRACES)
    .filter((name) => /^([A-G]|N)\d?_|^H_fail_readd$/.test(name))
    .sort()
    .map((name) => new GoldenTrace(name));
}
