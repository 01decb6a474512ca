/**
 * Whether two results may be compared: the same machine and devices, the same work, the same backends, and nothing else going on in one
 * of them. Versions of slotmark and Node may differ: that is what is compared.
 */
import type { Environment, MemberEnvironment } from "../measure/environment-schema.js";
import type { Result } from "../results/schema.js";

export interface Difference {
  readonly kind: "machine" | "device" | "scenario" | "backend" | "schema" | "disturbance";
  /** As in the result file: `environment.cpu.model`. */
  readonly field: string;
  readonly base: string;
  readonly head: string;
}

/** Kernel and firmware keep a little of the memory for themselves, not always as much. */
const MEMORY_TOLERANCE = 0.05;
/** Shares of all CPU time by which two runs may differ in what others took. */
const OTHER_CPU_TOLERANCE = 0.1;
const STOLEN_CPU_TOLERANCE = 0.05;

type Facts = readonly (readonly [Difference["kind"], string, unknown])[];

export function differences(base: Result, head: Result): Difference[] {
  return [
    ...differing(
      [["schema", "schemaVersion", base.schemaVersion]],
      [["schema", "schemaVersion", head.schemaVersion]],
    ),
    ...machineDifferences(base, head),
    ...differing(workFacts(base), workFacts(head)),
    ...scenarioDifferences(base, head),
    ...disturbances(base, head),
  ];
}

/** What a noise floor has to have in common with a result: machine, devices and backends, whatever the work. */
export function machineDifferences(
  base: Pick<Result, "environment" | "backends" | "cluster">,
  head: Pick<Result, "environment" | "backends" | "cluster">,
): Difference[] {
  return [
    ...differing(machineFacts(base), machineFacts(head)),
    ...memoryDifferences(base.environment, head.environment),
    ...differing(backendFacts(base), backendFacts(head)),
  ];
}

function machineFacts({ environment, cluster }: Pick<Result, "environment" | "cluster">): Facts {
  const machines =
    cluster === undefined
      ? [{ path: "environment", environment }]
      : cluster.machines.map((machine) => ({
          path: `node ${machine.node}`,
          environment: machine.environment,
        }));
  return machines.flatMap(
    ({ path, environment: { hostname, cpu, kernel, hypervisor, members } }): Facts => [
      ["machine", `${path}.hostname`, hostname],
      ["machine", `${path}.cpu.model`, cpu.model],
      ["machine", `${path}.cpu.cores`, cpu.cores],
      ["disturbance", `${path}.cpu.governor`, cpu.governor],
      ["machine", `${path}.kernel`, kernel],
      ["machine", `${path}.hypervisor`, hypervisor],
      ...members.flatMap((member, index) => memberFacts(`${path}.members[${index}]`, member)),
    ],
  );
}

/** Not the path, and not the number of a loop device: neither says what the disk is. */
function memberFacts(path: string, { kind, filesystem, device }: MemberEnvironment): Facts {
  const { name, backingFile, ...facts } = device ?? { name: null, backingFile: null };
  const fields = {
    kind,
    "filesystem.type": filesystem?.type ?? null,
    "filesystem.options": filesystem?.options ?? null,
    "device.name": name?.startsWith("loop") ? "loop" : name,
    ...Object.fromEntries(Object.entries(facts).map(([field, value]) => [`device.${field}`, value])),
  };
  return Object.entries(fields).map(([field, value]) => ["device", `${path}.${field}`, value] as const);
}

function backendFacts({ backends }: Pick<Result, "backends">): Facts {
  return Object.entries(backends).map(([name, value]) => ["backend", `backends.${name}`, value] as const);
}

function workFacts(result: Result): Facts {
  const { variant, kernel, durabilityModel, scenarioHash } = result;
  return [
    ["backend", "variant", variant],
    ["backend", "kernel", kernel],
    ["backend", "durabilityModel", durabilityModel],
    ["scenario", "scenarioHash", scenarioHash],
  ];
}

/** What the hash stands for, where it tells two results apart. Repeating more often is no other work. */
function scenarioDifferences(base: Result, head: Result): Difference[] {
  if (base.scenarioHash === head.scenarioHash) return [];
  const facts = ({ scenario }: Result): Facts =>
    leaves("scenario", scenario)
      .filter(([field]) => !/^scenario\.members\b|\.trials$/.test(field))
      .map(([field, value]) => ["scenario", field, value] as const);
  return differing(facts(base), facts(head));
}

function leaves(path: string, value: unknown): [string, unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, one]) =>
    leaves(Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, one),
  );
}

function memoryDifferences(base: Environment, head: Environment): Difference[] {
  const [one, other] = [base.memoryBytes, head.memoryBytes];
  if (Math.abs(one - other) <= MEMORY_TOLERANCE * Math.max(one, other)) return [];
  return [{ kind: "machine", field: "environment.memoryBytes", base: String(one), head: String(other) }];
}

function disturbances(base: Result, head: Result): Difference[] {
  const found: Difference[] = [];
  const note = (field: string, one: number, other: number) =>
    found.push({ kind: "disturbance", field: `environment.${field}`, base: shown(one), head: shown(other) });
  const [baseLoad, headLoad] = [base.environment.load[0], head.environment.load[0]];
  if (Math.abs(baseLoad - headLoad) > Math.max(ownLoad(base), ownLoad(head)))
    note("load", baseLoad, headLoad);
  const [one, other] = [base.environment.disturbance, head.environment.disturbance];
  if (one === undefined || other === undefined) return found;
  if (Math.abs(one.otherCpuShare - other.otherCpuShare) > OTHER_CPU_TOLERANCE)
    note("disturbance.otherCpuShare", one.otherCpuShare, other.otherCpuShare);
  if (Math.abs(one.stolenCpuShare - other.stolenCpuShare) > STOLEN_CPU_TOLERANCE)
    note("disturbance.stolenCpuShare", one.stolenCpuShare, other.stolenCpuShare);
  const [oneThrottled, otherThrottled] = [one.throttleEvents ?? 0, other.throttleEvents ?? 0];
  if (oneThrottled + otherThrottled > 0) note("disturbance.throttleEvents", oneThrottled, otherThrottled);
  return found;
}

/**
 * The load average at a run's start is also what the run before it left: one of the same scenario leaves its nodes, and for each core
 * something that waits for the disk.
 */
function ownLoad({ environment, trials }: Result): number {
  const nodes = trials.map(({ labels }) => Number(labels.nodes)).filter(Number.isFinite);
  return environment.cpu.cores + nodes.reduce((most, count) => Math.max(most, count), 1);
}

function differing(base: Facts, head: Facts): Difference[] {
  const inHead = new Map(head.map(([, field, value]) => [field, value]));
  const inBase = new Set(base.map(([, field]) => field));
  const missing = head.filter(([, field]) => !inBase.has(field));
  return [
    ...base.map(([kind, field, value]) => ({
      kind,
      field,
      base: shown(value),
      head: shown(inHead.get(field)),
    })),
    ...missing.map(([kind, field, value]) => ({ kind, field, base: shown(undefined), head: shown(value) })),
  ].filter((one) => one.base !== one.head);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(2);
  return String(value);
}
