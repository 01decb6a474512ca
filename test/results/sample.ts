/** A small valid result to vary in tests. Its figures are made up and go nowhere. */
import type { EncodedHistograms, JournalHeader, Result, Trial } from "../../src/results/schema.js";

const HEADER: Omit<JournalHeader, "journal"> = {
  schemaVersion: 1,
  slotmark: { version: "0.1.0", commit: "unknown" },
  createdAt: "2026-01-02T03:04:05.678Z",
  environment: {
    hostname: "host",
    cpu: { model: null, cores: 2, governor: "performance" },
    kernel: "6.1.0",
    hypervisor: "none",
    memoryBytes: 2 ** 30,
    load: [0, 0, 0],
    node: "v20.17.0",
    members: [],
  },
  scenario: { suite: "quick", nodes: [2], seed: 1 },
  scenarioHash: "0".repeat(64),
  backends: { dlm: "embedded", io: "psync", members: "serial" },
  variant: "safe",
  kernel: "mainline",
  durabilityModel: "userspace",
};

export function sampleHeader(): JournalHeader {
  return structuredClone({ journal: "slotmark", ...HEADER });
}

export function sampleTrial(id: string): Trial {
  return {
    id,
    pair: 0,
    suite: "quick",
    labels: { bitmap: "on", nodes: 2 },
    phase: "cold",
    startedAt: "2026-01-02T03:04:06.000Z",
    durationNs: 2e9,
    metrics: {
      write_latency_ns: { unit: "ns", direction: "lower", p50: 1000, mean: 1100, count: 10 },
      unplug_share: { unit: "ratio", direction: "lower", value: 0, count: 10 },
    },
    histograms: { write_latency_ns: `${id}/write_latency_ns` },
  };
}

export function sampleHistograms(...ids: string[]): EncodedHistograms {
  return Object.fromEntries(ids.map((id) => [`${id}/write_latency_ns`, "HISTFAAA"]));
}

export function sampleResult(): Result {
  return structuredClone({
    ...HEADER,
    trials: [sampleTrial("a"), sampleTrial("b")],
    histograms: sampleHistograms("a", "b"),
    warnings: [{ code: "not-for-gating", text: "quick is not for gating" }],
  });
}
