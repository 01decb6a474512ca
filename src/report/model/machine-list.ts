/**
 * Results by machine: files of one machine on one kind of member stand in one column, whatever suites they hold; what was
 * measured twice stays apart.
 */
import { basename, dirname } from "node:path";
import { chunkAdvice } from "../../compare/chunk-advice.js";
import type { MemberEnvironment } from "../../measure/environment-schema.js";
import type { ChunkAdvice } from "../../results/chunk-advice-schema.js";
import type { Result, Trial } from "../../results/schema.js";
import { phaseShown } from "../trial-groups.js";

export interface NamedResult {
  /** The file, for telling results apart. */
  readonly file: string;
  readonly result: Result;
}

export interface Machine {
  /** Unique and as short as telling them apart allows. */
  readonly name: string;
  readonly files: readonly string[];
  readonly results: readonly Result[];
  /** By suite: a machine has each but once. */
  readonly resultOfSuite: ReadonlyMap<string, Result>;
  readonly trials: readonly Trial[];
  /** As its runs gave it, or derived where they are of before they did. */
  readonly chunkAdvice: readonly ChunkAdvice[];
  /** The phase under which one of them is shown: its twin's, where it has no bitmap. */
  readonly phaseOf: (trial: Trial) => Trial["phase"];
}

/** `ext4 on vda`, `tmpfs`, `nvme0n1`, `ext4 on loop0 (on ext4)`; empty without members. */
export function describeStorage(members: readonly MemberEnvironment[]): string {
  return [...new Set(members.map(storageOf))].join(" + ");
}

function storageOf({ kind, filesystem, device }: MemberEnvironment): string {
  // Which loop device it is says nothing; members on several of them are of one kind.
  const name = device === null ? null : device.name.replace(/^(loop|ram|zram)\d+$/, "$1 device");
  const disk = name === null ? null : device?.model == null ? name : `${device.model} (${name})`;
  if (kind === "block") return disk ?? "a block device";
  return [filesystem?.type ?? "files", disk].filter((part) => part !== null).join(" on ");
}

function suitesOf({ trials }: Result): string[] {
  return [...new Set(trials.map(({ suite }) => suite))];
}

/** What two results of one column agree in. */
function hostKey({
  environment: { hostname, cpu, kernel, memoryBytes },
  variant,
  kernel: md,
}: Result): string {
  return JSON.stringify([hostname, cpu.model, cpu.cores, kernel, memoryBytes, variant, md]);
}

interface Column {
  readonly host: string;
  readonly results: NamedResult[];
}

function storageOfColumn({ results }: Column): string {
  const found = results.map(({ result }) => describeStorage(result.environment.members));
  return found.find((text) => text !== "") ?? "";
}

function fits(column: Column, named: NamedResult): boolean {
  const taken = new Set(column.results.flatMap(({ result }) => suitesOf(result)));
  return !suitesOf(named.result).some((suite) => taken.has(suite));
}

/** In the order in which they are given. */
export function machinesOf(named: readonly NamedResult[]): Machine[] {
  const columns: Column[] = [];
  // Those with members first: one without belongs to its host's only column.
  const bare = named.filter(({ result }) => result.environment.members.length === 0);
  for (const one of named.filter((other) => !bare.includes(other))) {
    const host = hostKey(one.result);
    const storage = describeStorage(one.result.environment.members);
    const column = columns.find(
      (other) => other.host === host && storageOfColumn(other) === storage && fits(other, one),
    );
    if (column === undefined) columns.push({ host, results: [one] });
    else column.results.push(one);
  }
  for (const one of bare) {
    const host = hostKey(one.result);
    const own = columns.filter((column) => column.host === host);
    const storages = new Set(own.map(storageOfColumn).filter((storage) => storage !== ""));
    // With several kinds of member there, it belongs to none of them.
    const column = own.find(
      (other) => fits(other, one) && (storages.size < 2 || storageOfColumn(other) === ""),
    );
    if (column === undefined) columns.push({ host, results: [one] });
    else column.results.push(one);
  }
  const order = (column: Column) => Math.min(...column.results.map((one) => named.indexOf(one)));
  const ordered = [...columns].sort((a, b) => order(a) - order(b));
  const names = namesOf(ordered);
  return ordered.map(({ results }, index) => ({
    name: names[index] ?? "",
    files: results.map(({ file }) => file),
    results: results.map(({ result }) => result),
    resultOfSuite: new Map(
      results.flatMap(({ result }) => suitesOf(result).map((suite) => [suite, result] as const)),
    ),
    trials: results.flatMap(({ result }) => result.trials),
    chunkAdvice: results.flatMap(({ result }) => result.chunkAdvice ?? chunkAdvice(result.trials)),
    phaseOf: phasesOf(results.map(({ result }) => result)),
  }));
}

/** Pairs are numbered in each result by itself. */
function phasesOf(results: readonly Result[]): Machine["phaseOf"] {
  const phases = new Map<Trial, Trial["phase"]>();
  for (const { trials } of results) {
    const phaseOf = phaseShown(trials);
    for (const trial of trials) phases.set(trial, phaseOf(trial));
  }
  return (trial) => phases.get(trial) ?? trial.phase;
}

/** The host; with its storage, then the folder that its files share, then its first file, where that is not enough. */
function namesOf(columns: readonly Column[]): string[] {
  const host = (column: Column) => column.results[0]?.result.environment.hostname || "unnamed host";
  const withStorage = (column: Column) => [host(column), storageOfColumn(column)].filter(Boolean).join(", ");
  const withFolder = (column: Column) => {
    const [folder, ...others] = new Set(column.results.map(({ file }) => basename(dirname(file))));
    const shared = folder !== undefined && folder !== "." && others.length === 0;
    return shared ? `${withStorage(column)} [${folder}]` : withStorage(column);
  };
  const withFile = (column: Column) => `${withStorage(column)} [${column.results[0]?.file}]`;
  const ways = [host, withStorage, withFolder, withFile];
  const used = new Map<string, number>();
  return columns.map((column) => {
    const way = ways.find((name) => columns.filter((other) => name(other) === name(column)).length === 1);
    const name = (way ?? withFile)(column);
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

/** Below a picture that stands alone: `vm: AMD EPYC, 2 cores, ext4 on vda`. */
export function briefly({ name, results }: Machine): string {
  const [first] = results;
  if (first === undefined) return name;
  const { cpu } = first.environment;
  const storage = results.map(({ environment }) => describeStorage(environment.members)).find(Boolean) ?? "";
  const cores = `${cpu.cores} ${cpu.cores === 1 ? "core" : "cores"}`;
  return `${name}: ${[cpu.model ?? "CPU unknown", cores, storage].filter(Boolean).join(", ")}`;
}
