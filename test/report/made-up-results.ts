/**
 * Results of every suite to vary in tests. Their figures are made up by a formula, say so in their warnings, and go nowhere.
 */
import { encodeHistogram, latencyHistogram, recordLatency } from "../../src/cluster/latency-histogram.js";
import { chunkAdvice } from "../../src/compare/chunk-advice.js";
import { latencyMetric } from "../../src/measure/latency-metric.js";
import { withTax } from "../../src/measure/tax.js";
import type { Metric, Result, Trial } from "../../src/results/schema.js";
import { sampleResult } from "../results/sample.js";

export interface MadeUp {
  readonly hostname: string;
  /** Latencies are so many times those of 1. */
  readonly slowness?: number;
  readonly suites?: readonly (keyof typeof SUITES)[];
  readonly trials?: number;
  readonly storage?: "ext4" | "tmpfs";
}

/** A small generator of its own: the same result every time. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Maker {
  readonly trials: Trial[] = [];
  readonly histograms: Record<string, string> = {};
  private atMs = Date.parse("2026-01-02T03:04:06.000Z");
  private readonly next: () => number;

  constructor(
    readonly slowness: number,
    readonly count: number,
    seed: number,
  ) {
    this.next = random(seed);
  }

  /** Within a few percent of `figure`. */
  near(figure: number): number {
    return figure * (1 + (this.next() - 0.5) * 0.06);
  }

  trial(
    suite: string,
    labels: Trial["labels"],
    latenciesNs: Readonly<Record<string, number>>,
    values: Readonly<Record<string, Metric>> = {},
    pair: number | null = null,
  ): void {
    const id = `${suite}-${this.trials.length}`;
    const metrics: Record<string, Metric> = { ...values };
    const references: Record<string, string> = {};
    for (const [name, typicalNs] of Object.entries(latenciesNs)) {
      const histogram = latencyHistogram();
      for (let index = 1; index <= 200; index++) {
        recordLatency(histogram, this.near(typicalNs * this.slowness) * (1 + 0.2 / (1.004 - index / 200)));
      }
      metrics[name] = latencyMetric(histogram);
      references[name] = `${id}/${name}`;
      this.histograms[`${id}/${name}`] = encodeHistogram(histogram);
      histogram.destroy();
    }
    this.trials.push({
      id,
      pair,
      suite,
      labels,
      phase: "steady",
      startedAt: new Date(this.atMs).toISOString(),
      durationNs: 1e9,
      metrics,
      histograms: references,
    });
    this.atMs += 1500;
  }

  /** A trial with a bitmap and its twin, `taxPercent` apart. */
  pairs(suite: string, labels: Trial["labels"], taxPercent: number, dirtyBytes: number, iops: number): void {
    for (let index = 0; index < this.count; index++) {
      const pair = this.trials.length;
      const rate = (factor: number): Metric => {
        return {
          unit: "writes/s",
          direction: "higher",
          value: this.near(iops / factor / this.slowness),
          count: 200,
        };
      };
      const tax = 1 + taxPercent / 100;
      const dirty: Metric = {
        unit: "bytes",
        direction: "lower",
        mean: this.near(dirtyBytes),
        max: dirtyBytes * 1.2,
        count: 1,
      };
      const offered: Metric = { unit: "writes/s", direction: "higher", value: iops, count: 200 };
      const share: Metric = {
        unit: "ratio",
        direction: "lower",
        value: Math.min(1, taxPercent / 150),
        count: 200,
      };
      this.trial(
        suite,
        { bitmap: "on", ...labels },
        { write_latency_ns: 130e3 * tax, unplug_latency_ns: 400e3 },
        { write_iops: rate(tax), dirty_bytes: dirty, unplug_share: share, offered_iops: offered },
        pair,
      );
      this.trial(
        suite,
        { bitmap: "off", ...labels },
        { write_latency_ns: 130e3 },
        { write_iops: rate(1) },
        pair,
      );
    }
  }

  repeat(suite: string, labels: Trial["labels"], latenciesNs: Readonly<Record<string, number>>): void {
    for (let index = 0; index < this.count; index++) this.trial(suite, labels, latenciesNs);
  }
}

const WORK = {
  writeBytes: 4096,
  workload: "uniform",
  plug: 1,
  durability: "preflush-fua",
  daemonSleepMs: 5000,
};
const CHUNKS_KIB = [64, 256, 1024, 4096, 16384, 65536];
const WAYS_TO_WAIT = [
  ["native", "sleep", 9000],
  ["native", "spin", 500],
  ["javascript", "promise", 18_000],
  ["javascript", "sync", 12_000],
] as const;

const SUITES = {
  "chunk-sweep": (maker: Maker) => {
    for (const ratePercent of [1, 10, 50]) {
      for (const [workingSet, workingSetGib] of [
        ["all", 100],
        ["10%", 10],
      ] as const) {
        for (const kib of CHUNKS_KIB) {
          const labels = {
            ...WORK,
            nodes: 4,
            chunkBytes: kib * 1024,
            ratePercent,
            loop: "open",
            workingSet,
          };
          const tax = 2 + 160 / (1 + (kib / 64) ** 0.8 * (10 / workingSetGib) * 0.2 * ratePercent);
          const dirty = (workingSetGib * 2 ** 30) / (1 + 2e4 / (kib * ratePercent) ** 0.9);
          maker.pairs("chunk-sweep", labels, tax, dirty, 300 * ratePercent);
        }
      }
    }
  },
  "node-scaling": (maker: Maker) => {
    for (const nodes of [1, 2, 4, 8, 16]) {
      const labels = { ...WORK, nodes, chunkBytes: 64 * 1024, loop: "closed", ratePerSecond: 0 };
      maker.pairs("node-scaling", labels, 40 + nodes * 3, 2e7 * nodes, 9000 * nodes ** 0.6);
    }
  },
  locks: (maker: Maker) => {
    for (const [seenBy, waiting, wakeNs] of WAYS_TO_WAIT) {
      for (const cores of ["idle", "busy"]) {
        for (const valueBlock of [false, true]) {
          const labels = { kind: "locks", seenBy, waiting, cores, valueBlock };
          const wake = wakeNs + (cores === "idle" ? 4000 : 0);
          maker.repeat(
            "locks",
            { ...labels, nodes: 1 },
            {
              "lock_latency_ns{op=request,mode=EX}": 160,
              "lock_latency_ns{op=convert,mode=NL-EX}": 50,
              "lock_latency_ns{op=unlock,mode=EX}": 130,
            },
          );
          for (const nodes of [2, 4, 16, 64]) {
            maker.repeat(
              "locks",
              { ...labels, nodes },
              {
                "lock_latency_ns{op=handOver,mode=NL-EX,blockers=1}": wake * nodes ** 0.3,
                "lock_floor_ns{kind=futex}": wake * 0.8,
              },
            );
          }
        }
      }
    }
  },
  messages: (maker: Maker) => {
    for (const [seenBy, waiting, wakeNs] of WAYS_TO_WAIT.slice(0, 3)) {
      for (const cores of ["idle", "busy"]) {
        for (const nodes of [2, 3, 4, 8, 16, 64]) {
          const all = (wakeNs + (cores === "idle" ? 6000 : 0)) * nodes ** 0.9;
          maker.repeat(
            "messages",
            { kind: "messages", seenBy, waiting, cores, nodes },
            {
              message_latency_ns: all,
              "message_latency_ns{part=token}": 400,
              "message_latency_ns{part=message}": 600,
              "message_latency_ns{part=ack}": all - 1000,
            },
          );
        }
      }
    }
  },
  "add-disk": (maker: Maker) => {
    for (const outcome of ["confirmed", "refused", "unanswered"]) {
      for (const nodes of [2, 3, 4, 8, 16]) {
        maker.repeat(
          "add-disk",
          {
            kind: "addDisk",
            nodes,
            chunkBytes: 65536,
            outcome,
            newDeviceTimeoutMs: 250,
            lockTimeoutMs: 1500,
          },
          {
            add_disk_latency_ns: 20e6 + nodes * 1e6,
            "add_disk_latency_ns{step=write}": 15e6,
            "add_disk_latency_ns{step=announce}": 1e6 * nodes,
            "add_disk_latency_ns{step=search}": 2e5 * nodes,
            "add_disk_latency_ns{step=confirm}": 1e6,
            "add_disk_latency_ns{step=candidate}": 2e5,
            "add_disk_latency_ns{step=veto}": 1e5,
            [`add_disk_latency_ns{step=${outcome === "confirmed" ? "add" : "refuse"}}`]: 2e6,
          },
        );
      }
    }
  },
  recovery: (maker: Maker) => {
    for (const dirtyChunks of [1, 64, 448]) {
      for (const nodes of [2, 4, 8]) {
        maker.repeat(
          "recovery",
          { kind: "recovery", nodes, chunkBytes: 65536, dirtyChunks },
          {
            recovery_latency_ns: 5e6 + dirtyChunks * 5e5,
            "recovery_latency_ns{phase=noticed}": 3e5,
            "recovery_latency_ns{phase=slotLocked}": 1e6,
            "recovery_latency_ns{phase=merged}": 4e5,
            "recovery_latency_ns{phase=ownPagesWritten}": 4e5,
            "recovery_latency_ns{phase=deadSlotCleared}": 3e5,
            "recovery_latency_ns{phase=resynced}": 2e6 + dirtyChunks * 5e5,
            write_latency_ns: 4e5,
          },
        );
      }
    }
  },
};

export const ALL_SUITES = Object.keys(SUITES) as (keyof typeof SUITES)[];

const STORAGE = {
  ext4: { type: "ext4", source: "/dev/vda", mountPoint: "/", options: "rw" },
  tmpfs: { type: "tmpfs", source: "tmpfs", mountPoint: "/dev/shm", options: "rw" },
};

/** The same work on another machine, whose times are so many times as long; histograms are shared. */
export function onAnotherMachine(result: Result, hostname: string, slowness: number): Result {
  const scaled = (metric: Metric): Metric => {
    const factor = metric.unit === "ns" ? slowness : metric.unit === "writes/s" ? 1 / slowness : 1;
    const figures = Object.entries(metric).map(([name, value]) => [
      name,
      typeof value === "number" && name !== "count" ? value * factor : value,
    ]);
    return Object.fromEntries(figures) as Metric;
  };
  return {
    ...result,
    environment: { ...result.environment, hostname },
    trials: result.trials.map((trial) => ({
      ...trial,
      metrics: Object.fromEntries(Object.entries(trial.metrics).map(([name, one]) => [name, scaled(one)])),
    })),
  };
}

export function madeUpResult({
  hostname,
  slowness = 1,
  suites = ALL_SUITES,
  trials = 6,
  storage = "ext4",
}: MadeUp): Result {
  const result = sampleResult();
  const maker = new Maker(slowness, trials, hostname.length + Math.round(slowness * 1000));
  for (const suite of suites) SUITES[suite](maker);
  result.trials = withTax(maker.trials).map((trial) => ({ ...trial }));
  result.histograms = maker.histograms;
  result.environment.hostname = hostname;
  const device = {
    name: "vda",
    model: null,
    rotational: false,
    scheduler: "none",
    writeCache: "write back",
    fua: false,
    logicalBlockBytes: 512,
    physicalBlockBytes: 4096,
    backingFile: null,
  };
  result.environment.members = ["a", "b"].map((path) => ({
    path,
    kind: "file" as const,
    filesystem: STORAGE[storage],
    device: storage === "tmpfs" ? null : device,
  }));
  result.chunkAdvice = chunkAdvice(result.trials);
  result.warnings = [{ code: "made-up", text: "These figures were made up for a test of slotmark." }];
  return result;
}

/** The largest report that has to work. */
export function fiftyMachines(): { readonly file: string; readonly result: Result }[] {
  const first = madeUpResult({ hostname: "machine-00", trials: 12 });
  return Array.from({ length: 50 }, (_, index) => {
    const hostname = `machine-${String(index).padStart(2, "0")}`;
    return { file: `${hostname}.json`, result: onAnotherMachine(first, hostname, 1 + index / 25) };
  });
}
