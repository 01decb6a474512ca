/** The kernel's traces in test/golden/writes, and how each becomes a replay script of either form. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { PageWrite, WriteCause } from "../../src/replay/page-write.js";
import type { MdCall, ReplayScript } from "../../src/replay/script.js";

const TRACES = fileURLToPath(new URL("../../../test/golden/writes/", import.meta.url));

const RECOVERY_THREAD = "md0_recover";

const scenarioSchema = z.object({
  description: z.string(),
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
  /** Which of md's threads called. */
  readonly thread: string;
  readonly event: string;
  readonly args: Readonly<Record<string, string>>;
}

type Row = Readonly<Record<string, string>>;

export class GoldenTrace {
  readonly scenario: z.infer<typeof scenarioSchema>;
  /** Bitmap page writes as the kernel issued them. */
  readonly pageWrites: readonly PageRow[];
  private readonly calls: readonly MdRow[];
  private readonly untilSeconds: number;
  private readonly members: readonly string[];
  private readonly rows: Readonly<Record<"writes" | "events" | "states", readonly Row[]>>;

  constructor(readonly name: string) {
    this.scenario = scenarioSchema.parse(JSON.parse(readFileSync(`${TRACES}${name}/scenario.json`, "utf8")));
    this.rows = {
      writes: this.read("writes.csv"),
      events: this.read("events.csv"),
      states: this.read("bitmap_states.csv"),
    };
    this.untilSeconds = Math.ceil(Math.max(...this.rows.events.map((row) => Number(row.time_s))));
    // An array that was given another disk says so in words alone.
    this.members = /^array (\w+)\+(\w+)/.exec(this.scenario.description)?.slice(1) ?? this.scenario.members;
    this.pageWrites = this.rows.writes
      .filter((row) => row.kind === "bitmap")
      .map((row) => ({
        timeSeconds: Number(row.time_s),
        node: Number(row.node) - 1,
        member: row.disk ?? "",
        slot: Number(row.slot),
        page: Number(row.page),
        sector: Number(row.sector),
        sectors: Number(row.sectors),
      }));
    this.calls = this.rows.events.map((row) => ({
      timeSeconds: Number(row.time_s),
      node: Number(row.node) - 1,
      thread: row.comm ?? "",
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
    for (const { node, event, args } of this.calls) {
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
    const { dirtyChunks } = this.start();
    return {
      ...this.common(),
      ...(dirtyChunks === undefined ? {} : { start: { dirtyChunks } }),
      events: [...this.memberCalls(), ...this.syncCalls(), ...this.mdCalls()],
    };
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
    const { geometry } = this.scenario;
    return {
      geometry: {
        syncSizeSectors: geometry.sync_size_sectors,
        chunkBytes: geometry.chunk_bytes,
        nodes: geometry.nodes,
        members: [...this.members],
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

  /** The node's rdev list: the order in which its last page went out; a lone survivor's place does not matter. */
  private order(node: number): string[] {
    const lastFirst = this.pageWrites.filter((row) => row.node === node).map(({ member }) => member);
    lastFirst.reverse();
    const again = lastFirst.findIndex((member, at) => lastFirst.indexOf(member) < at);
    const last = lastFirst.slice(0, again < 0 ? undefined : again).reverse();
    return [...new Set([...last, ...this.members])];
  }

  /** Event counts and set bits as polled on disk before the script began; bits of a node that left no trace, as last polled. */
  private start(): NonNullable<ReplayScript["start"]> {
    const cleared: Record<string, number> = {};
    const dirtyChunks: Record<string, [number, number][]> = {};
    const traced = new Set(this.calls.map(({ node }) => String(node)));
    let events = this.scenario.geometry.sb_events;
    for (const { time_s, slot = "", bits_or_info = "", ...state } of this.rows.states) {
      const beforeScript = Number(time_s) < 0;
      if (slot === "sb") {
        if (beforeScript) events = Number(state.events);
        continue;
      }
      if (beforeScript) cleared[slot] = Number(state.events_cleared);
      const recovered = !traced.has(slot) && state.nbits === "0";
      if ((!beforeScript && traced.has(slot)) || recovered) continue;
      dirtyChunks[slot] = bits_or_info
        .split(" ")
        .filter((chunk) => chunk !== "")
        .map((chunk) => [Number(chunk), Number(chunk)]);
    }
    const anyDirty = Object.values(dirtyChunks).some((chunks) => chunks.length > 0);
    return {
      eventsCleared: cleared,
      events,
      active: this.clustered,
      ...(anyDirty ? { dirtyChunks } : {}),
    };
  }

  /**
   * A member fails for all nodes when the command says so. When each node learns of its return is an input too: before the
   * first page that it writes there, and before it marks all pages for it.
   */
  private memberCalls(): MdCall[] {
    const failures = this.scenario.commands.flatMap(({ t, cmd }) => {
      const member = /--fail \/dev\/(\w+)/.exec(cmd)?.[1];
      return member === undefined ? [] : [{ atSeconds: t, member }];
    });
    return failures.flatMap(({ atSeconds, member }) => {
      const nodes = [...new Set(this.pageWrites.map(({ node }) => node))];
      return nodes.flatMap((node): MdCall[] => {
        const back = this.pageWrites.find(
          (row) => row.node === node && row.member === member && row.timeSeconds > atSeconds,
        );
        const update = this.calls.findLast(
          (call) =>
            call.node === node &&
            call.event === "bitmap_update_sb" &&
            call.timeSeconds < (back?.timeSeconds ?? 0),
        );
        const fail: MdCall = { node, atSeconds, op: "fail", member };
        if (update === undefined || back === undefined) return [fail];
        return [fail, { node, atSeconds: update.timeSeconds, op: "activate", member }];
      });
    });
  }

  /** A resync's starts left no trace of their own; what it wrote, it had started. */
  private syncCalls(): MdCall[] {
    const { data_offset } = this.scenario.geometry;
    return this.rows.writes
      .filter(({ kind, rwbs }) => kind === "data" && rwbs === "W")
      .map((row) => ({
        node: Number(row.node) - 1,
        atSeconds: Number(row.time_s),
        op: "startSync",
        sector: Number(row.sector) - data_offset,
        sectors: Number(row.sectors),
      }));
  }

  private mdCalls(): MdCall[] {
    const calls: MdCall[] = [];
    let flushing = -1;
    for (const { timeSeconds: atSeconds, node, thread, event, args } of this.calls) {
      const at = { node, atSeconds };
      const span = { sector: Number(args.off), sectors: Number(args.secs) };
      if (event === "startwrite") calls.push({ ...at, op: "startWrite", ...span });
      else if (event === "endwrite") calls.push({ ...at, op: "endWrite", ...span, failed: args.ok === "0" });
      // Those of the thread that recovers slots belong to its copying.
      else if (event === "unplug" && thread !== RECOVERY_THREAD) calls.push({ ...at, op: "unplug" });
      else if (event === "copy_from_slot") {
        calls.push({ ...at, op: "copyFromSlot", slot: Number(args.slot), clear: args.clear === "1" });
      } else if (event === "write_all") calls.push({ ...at, op: "writeAll" });
      else if (event === "raid1d") calls.push({ ...at, op: "wake" });
      else if (event === "bitmap_update_sb") calls.push({ ...at, op: "bitmapSuper" });
      else if (event === "bitmap_load") calls.push({ ...at, op: "load" });
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

  private read(file: string): Row[] {
    const [head = "", ...lines] = readFileSync(`${TRACES}${this.name}/${file}`, "utf8").trimEnd().split("\n");
    const names = head.split(",");
    return lines.map((line) => {
      const fields = line.split(",");
      return Object.fromEntries(names.map((name, i) => [name, fields[i] ?? ""]));
    });
  }
}

/** The traces that replay is held to. */
export function goldenTraces(): GoldenTrace[] {
  if (!existsSync(TRACES)) throw new Error(`${TRACES} is missing`);
  return readdirSync(TRACES)
    .filter((name) => /^[A-Z]\d?_/.test(name))
    .sort()
    .map((name) => new GoldenTrace(name));
}
