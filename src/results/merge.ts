/**
 * The results of the machines of one run as one: trials side by side, told apart by their label `node`, and every machine's
 * environment. Pure.
 */
import { SlotmarkError } from "../errors.js";
import type { ClusterRun, Result, Warning } from "./schema.js";

export interface NamedResult {
  /** For messages: its file. */
  readonly name: string;
  readonly result: Result;
}

type ClusterResult = Result & { readonly cluster: ClusterRun };

interface NamedClusterResult {
  readonly name: string;
  readonly result: ClusterResult;
}

/**
 * @throws SlotmarkError `merge-not-of-a-cluster`, `merge-same-machine` (input); `merge-differs` (incomparable); `merge-nothing`
 * where there is no trial at all
 */
export function mergeResults(named: readonly NamedResult[]): Result {
  const [first, ...others] = named.map(ofCluster);
  if (first === undefined || others.length === 0) {
    throw new SlotmarkError(
      "usage",
      "merge-too-few",
      "there is nothing to merge in a single result",
      "Name the result files of all machines of the run.",
    );
  }
  for (const other of others) refuseDifferent(first, other);
  const all = [first, ...others].sort((a, b) => nodeOf(a) - nodeOf(b));
  refuseSameMachine(all);
  const [lowest = first] = all;
  const trials = all.flatMap(({ result }) => result.trials);
  if (trials.length === 0) {
    throw new SlotmarkError(
      "nothing",
      "merge-nothing",
      `none of the ${all.length} results has a trial`,
      "Run the machines for long enough to measure something.",
    );
  }
  const [own, ...rest] = all.flatMap(({ result }) => result.cluster.machines).sort((a, b) => a.node - b.node);
  if (own === undefined) throw new Error("a cluster's result has a machine");
  return {
    ...lowest.result,
    createdAt: all.map(({ result }) => result.createdAt).sort()[0] ?? lowest.result.createdAt,
    environment: own.environment,
    cluster: { ...lowest.result.cluster, machines: [own, ...rest] },
    trials: inOrderOfTime(trials),
    histograms: Object.assign({}, ...all.map(({ result }) => result.histograms)),
    warnings: warningsOf(all),
  };
}

function ofCluster({ name, result }: NamedResult): NamedClusterResult {
  const { cluster } = result;
  if (cluster !== undefined) return { name, result: { ...result, cluster } };
  throw new SlotmarkError(
    "input",
    "merge-not-of-a-cluster",
    `${name} is no result of a run over several machines`,
    "Name files that `slotmark run --dlm kernel` wrote; results of single machines stand side by side in `slotmark report`.",
  );
}

function refuseDifferent(first: NamedClusterResult, other: NamedClusterResult): void {
  const compared: readonly (readonly [string, (result: ClusterResult) => string])[] = [
    ["array", ({ cluster }) => cluster.arrayUuid],
    ["scenarioHash", ({ scenarioHash }) => scenarioHash],
    ["backends", ({ backends: { dlm, io, members } }) => `dlm ${dlm}, io ${io}, members ${members}`],
    ["variant", ({ variant }) => variant],
    ["kernel", ({ kernel }) => kernel],
    ["durabilityModel", ({ durabilityModel }) => durabilityModel],
    ["number of machines", ({ cluster }) => String(cluster.nodes)],
    ["run", ({ cluster }) => cluster.run],
  ];
  for (const [what, of] of compared) {
    const [a, b] = [of(first.result), of(other.result)];
    if (a === b) continue;
    throw new SlotmarkError(
      "incomparable",
      "merge-differs",
      `${first.name} and ${other.name} are not of one run: their ${what} differs, ${a} and ${b}`,
      "Name the files that the machines wrote in the same run.",
    );
  }
}

function refuseSameMachine(all: readonly NamedClusterResult[]): void {
  const nameOfNode = new Map<number, string>();
  for (const { name, result } of all) {
    for (const { node } of result.cluster.machines) {
      const before = nameOfNode.get(node);
      if (before !== undefined) {
        throw new SlotmarkError(
          "input",
          "merge-same-machine",
          `${before} and ${name} both hold what node ${node} measured`,
          "Name each machine's file once.",
        );
      }
      nameOfNode.set(node, name);
    }
  }
}

const MACHINES_MISSING = "machines-missing";

function warningsOf(all: readonly NamedClusterResult[]): Warning[] {
  const warnings = new Map<string, Warning>();
  for (const { result } of all) {
    for (const warning of result.warnings) {
      // Of an earlier merge, which this one makes up for.
      if (warning.code !== MACHINES_MISSING) warnings.set(`${warning.code}\n${warning.text}`, warning);
    }
  }
  const missing = missingNodes(all);
  if (missing > 0) {
    const nodes = all[0]?.result.cluster.nodes ?? 0;
    const text = `Of the ${nodes} machines of this run ${missing === 1 ? "one is" : `${missing} are`} missing here: what they measured is not in the figures.`;
    warnings.set(MACHINES_MISSING, { code: MACHINES_MISSING, text });
  }
  const versions = new Set(
    all.map(({ result: { slotmark } }) => `${slotmark.version} (${slotmark.commit.slice(0, 12)})`),
  );
  if (versions.size > 1) {
    const text = `The machines ran different versions of slotmark: ${[...versions].join(", ")}.`;
    warnings.set("versions-differ", { code: "versions-differ", text });
  }
  return [...warnings.values()];
}

function missingNodes(all: readonly NamedClusterResult[]): number {
  const there = all.reduce((sum, { result }) => sum + result.cluster.machines.length, 0);
  return (all[0]?.result.cluster.nodes ?? 0) - there;
}

function nodeOf({ result }: NamedClusterResult): number {
  return Math.min(...result.cluster.machines.map(({ node }) => node));
}

/** By each machine's own clock; those of one trial differ by little. */
function inOrderOfTime(trials: Result["trials"]): Result["trials"] {
  return [...trials].sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
}
