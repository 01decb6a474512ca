/**
 * The members that a run writes: two temporary sparse files, files made where the user said, or devices and arrays that exist. Makes the
 * array that each trial needs, and has every byte that the run will write written once before anything is timed.
 */
import fs from "node:fs";
import path from "node:path";
import { SlotmarkError } from "../errors.js";
import { geometryUnder, SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import type { MatrixPoint } from "../scenario/expand.js";
import type { BitmapScenario } from "../scenario/schema.js";
import { type ClusteredArray, createArray, readArray, resetSlots } from "../storage/array.js";
import type { Member } from "../storage/member.js";
import { openMembers } from "../storage/open-members.js";
import { type PrimeRange, primeRanges } from "../storage/prime.js";
import { defaultMemberFolder } from "./default-member-folder.js";
import type { RunProgress } from "./run-progress.js";
import type { WrittenPart } from "./written-part.js";

export interface RunArray {
  readonly geometry: SlotGeometry;
  readonly members: readonly { readonly path: string; readonly dataOffsetBytes: number }[];
  readonly events: number;
}

/** What a scenario wants of the members. */
export type ArrayDemands = Pick<
  BitmapScenario,
  "sizeBytes" | "memberCount" | "variant" | "kernel" | "daemonSleepMs"
>;

export interface RunMembersRequest {
  /** Empty: two temporary files. */
  readonly paths: readonly string[];
  readonly destroy: readonly string[];
  readonly watch: boolean;
  readonly scenarios: readonly ArrayDemands[];
  /** So much of each member will be written at the least. */
  readonly usedBytes: number;
  readonly onNotice: (text: string) => void;
  readonly signal: AbortSignal;
}

export class RunMembers {
  private array: ClusteredArray | null = null;
  private primed: ByteRange | null = null;
  private readonly primedParts = new Set<string>();
  private wiped = false;

  private constructor(
    readonly members: readonly Member[],
    /** An array that was there before: its geometry and UUIDs stay. */
    private readonly existing: ClusteredArray | null,
    private readonly temporaryFolder: string | null,
    /** Members whose old contents were given up. */
    private readonly destroy: readonly string[],
  ) {}

  static async open(request: RunMembersRequest): Promise<RunMembers> {
    const sizeBytes = Math.max(...request.scenarios.map((scenario) => scenario.sizeBytes));
    const temporaryFolder = request.paths.length === 0 ? makeTemporaryFolder() : null;
    const memberCount = Math.max(...request.scenarios.map((scenario) => scenario.memberCount));
    const paths =
      temporaryFolder === null
        ? request.paths
        : Array.from({ length: memberCount }, (_, index) =>
            path.join(temporaryFolder, temporaryMember(index)),
          );
    try {
      const members = await openMembers({
        paths,
        destroy: request.destroy,
        watch: request.watch,
        createSizeBytes: sizeBytes,
        usedBytes: request.usedBytes,
        existingArray: "keep",
        onNotice: request.onNotice,
        signal: request.signal,
      });
      try {
        return new RunMembers(members, await existingArray(members), temporaryFolder, request.destroy);
      } catch (error) {
        for (const member of members) member.close();
        throw error;
      }
    } catch (error) {
      if (temporaryFolder !== null) fs.rmSync(temporaryFolder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the array holds that was there before; null: there was none. */
  get existingArrayBytes(): number | null {
    return this.existing && this.existing.geometry.syncSizeSectors * SECTOR_BYTES;
  }

  get paths(): string[] {
    return this.members.map((member) => member.path);
  }

  /**
   * The scenario as these members can run it: on an array that was there before, its chunk and no more nodes than its slots, unless
   * the user asked otherwise; and the members' own size.
   */
  fit(scenario: BitmapScenario, asked: { readonly nodes: boolean; readonly chunk: boolean }): BitmapScenario {
    const sizeBytes = Math.min(...this.members.map((member) => member.sizeBytes));
    if (this.existing === null) return { ...scenario, sizeBytes };
    if (scenario.variant === "original") throw originalOnExisting();
    const { chunkBytes, nodes: slots } = this.existing.geometry;
    const nodes = asked.nodes ? scenario.nodes : atMost(scenario.nodes, slots);
    const fitted = {
      ...scenario,
      sizeBytes,
      nodes,
      chunkBytes: asked.chunk ? scenario.chunkBytes : [chunkBytes],
    };
    for (const nodes of fitted.nodes)
      for (const chunkBytes of fitted.chunkBytes) refuseMismatch(this.existing, { nodes, chunkBytes });
    return fitted as BitmapScenario;
  }

  /**
   * The array for one trial, with zeroed slots and matching superblocks; what the trial will write of it has been written.
   * Returns null where `signal` stopped the priming.
   */
  async arrayFor(
    scenario: ArrayDemands,
    point: MatrixPoint,
    written: (geometry: SlotGeometry) => WrittenPart,
    signal: AbortSignal,
    progress: RunProgress,
  ): Promise<RunArray | null> {
    const array = this.existing ?? (await this.madeArray(scenario, point));
    const geometry = geometryUnder(array.geometry, scenario);
    const dataOffsetBytes = geometry.dataOffsetSectors * SECTOR_BYTES;
    if (!(await this.primePart(geometry, written(geometry), signal, progress))) return null;
    await resetSlots(array, geometry);
    return {
      geometry,
      members: this.members.map(({ path }, index) => ({
        path,
        dataOffsetBytes: array.dataOffsetBytes[index] ?? dataOffsetBytes,
      })),
      events: array.events,
    };
  }

  /** An array that no node has run yet, for what a running cluster changes in its superblocks. @throws SlotmarkError `array-exists` */
  async freshArrayFor(
    scenario: ArrayDemands & { readonly workingSetBytes: number | null },
    point: MatrixPoint,
    signal: AbortSignal,
    progress: RunProgress,
  ): Promise<RunArray | null> {
    if (this.existing !== null) {
      throw new SlotmarkError(
        "refused",
        "array-exists",
        "there is an array on these members, and adding disks or letting nodes die would change it",
        "Name members without an array, or give them up with --destroy.",
      );
    }
    this.array = null;
    const part = { kind: "range", lengthBytes: scenario.workingSetBytes } as const;
    return await this.arrayFor(scenario, point, () => part, signal, progress);
  }

  /** Takes the files away that were made for this run, before anything has been written to them. */
  unmake(): void {
    for (const { created, path: file } of this.members) if (created) fs.rmSync(file, { force: true });
  }

  close(): void {
    for (const member of this.members) member.close();
    if (this.temporaryFolder !== null) fs.rmSync(this.temporaryFolder, { recursive: true, force: true });
  }

  private async madeArray(scenario: ArrayDemands, point: MatrixPoint): Promise<ClusteredArray> {
    const nodes = Math.max(2, point.nodes);
    const current = this.array?.geometry;
    if (this.array !== null && current?.nodes === nodes && current.chunkBytes === point.chunkBytes)
      return this.array;
    this.array = await createArray(this.members, {
      nodes,
      chunkBytes: point.chunkBytes,
      level: 1,
      assumeClean: true,
      beyondMdadm: true,
      name: MADE_BY_RUN,
      // Once: signatures left behind would have the next run's guard refuse the member.
      wipe: this.wiped ? [] : this.destroy,
      daemonSleepSeconds: Math.max(1, Math.round(scenario.daemonSleepMs / 1000)),
    });
    this.wiped = true;
    return this.array;
  }

  /**
   * Writes a part of every member's data area once; what was written before stays primed. Slots and superblocks need none of it:
   * making the array writes every byte of them.
   */
  private async primePart(
    geometry: SlotGeometry,
    part: WrittenPart,
    signal: AbortSignal,
    progress: RunProgress,
  ): Promise<boolean> {
    const dataOffsetBytes = geometry.dataOffsetSectors * SECTOR_BYTES;
    if (part.kind === "blocks") {
      const name = `${dataOffsetBytes}/${part.name}`;
      if (this.primedParts.has(name)) return true;
      const blocks = [...part.blocks().ranges(MERGE_GAP_BYTES)];
      const ranges = blocks.map(({ offsetBytes, lengthBytes }) => ({
        offsetBytes: dataOffsetBytes + offsetBytes,
        lengthBytes,
      }));
      if (!(await this.prime(ranges, signal, progress))) return false;
      this.primedParts.add(name);
      return true;
    }
    const arrayBytes = geometry.syncSizeSectors * SECTOR_BYTES;
    const toBytes = dataOffsetBytes + Math.min(part.lengthBytes ?? arrayBytes, arrayBytes);
    if (!(await this.prime(missing(this.primed, dataOffsetBytes, toBytes), signal, progress))) return false;
    this.primed = {
      fromBytes: Math.min(dataOffsetBytes, this.primed?.fromBytes ?? dataOffsetBytes),
      toBytes: Math.max(toBytes, this.primed?.toBytes ?? toBytes),
    };
    return true;
  }

  private async prime(
    ranges: readonly Pick<PrimeRange, "offsetBytes" | "lengthBytes">[],
    signal: AbortSignal,
    progress: RunProgress,
  ): Promise<boolean> {
    const memberBytes = ranges.reduce((sum, range) => sum + range.lengthBytes, 0);
    const totalBytes = memberBytes * this.members.length;
    if (totalBytes === 0) return true;
    try {
      for (const [index, member] of this.members.entries()) {
        // Noise, for a device that compresses or drops zeros would allocate nothing.
        await primeRanges(
          member,
          ranges.map((range) => ({ ...range, content: "noise" as const })),
          (doneBytes) => progress.priming(index * memberBytes + doneBytes, totalBytes),
          signal,
        );
      }
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

/** Blocks nearer to each other than this are primed in one write with what lies between them. */
const MERGE_GAP_BYTES = 16_384;

interface ByteRange {
  readonly fromBytes: number;
  readonly toBytes: number;
}

/** The parts of [fromBytes, toBytes) outside `primed`; both lie in one data area, so that no gap stays between them. */
function missing(primed: ByteRange | null, fromBytes: number, toBytes: number) {
  const parts =
    primed === null
      ? [{ fromBytes, toBytes }]
      : [
          { fromBytes, toBytes: primed.fromBytes },
          { fromBytes: primed.toBytes, toBytes },
        ];
  return parts
    .filter((part) => part.toBytes > part.fromBytes)
    .map((part) => ({ offsetBytes: part.fromBytes, lengthBytes: part.toBytes - part.fromBytes }));
}

/** Name of the arrays that `run` makes: it may make them anew with another chunk or node count. */
const MADE_BY_RUN = "slotmark:run";

async function existingArray(members: readonly Member[]): Promise<ClusteredArray | null> {
  const array = await readArray(members);
  if (array === undefined || array.setName === MADE_BY_RUN) return null;
  if (array.level !== 1) {
    throw new SlotmarkError(
      "input",
      "level-unsupported",
      `the array on these members is of level ${array.level}; run writes raid1 arrays only`,
      "Use members of a raid1 array.",
    );
  }
  return array;
}

function makeTemporaryFolder(): string {
  return fs.mkdtempSync(path.join(defaultMemberFolder(), TEMPORARY_FOLDER));
}

const TEMPORARY_FOLDER = "slotmark-members-";
const temporaryMember = (index: number) => `member${index}.img`;

/** What a killed run left of its temporary members. Touches nothing else: only folders and files of slotmark's own naming. */
export function removeTemporaryMembers(paths: readonly string[]): void {
  for (const [index, file] of paths.entries()) {
    const folder = path.dirname(file);
    if (path.basename(file) !== temporaryMember(index) || !path.basename(folder).startsWith(TEMPORARY_FOLDER))
      continue;
    fs.rmSync(file, { force: true });
    if (fs.existsSync(folder) && fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
  }
}

function originalOnExisting(): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "original-on-existing-array",
    "--variant original puts slots where these members' array has other bytes: it would damage the array",
    "Let slotmark make the members for this variant.",
  );
}

function atMost(counts: readonly number[], limit: number): number[] {
  return [...new Set(counts.map((nodes) => Math.min(nodes, limit)))];
}

function refuseMismatch(array: ClusteredArray, point: MatrixPoint): void {
  const { nodes, chunkBytes } = array.geometry;
  if (point.nodes > nodes) {
    throw new SlotmarkError(
      "input",
      "nodes-exceed-slots",
      `${point.nodes} nodes were asked for, but the array on these members has ${nodes} slots`,
      `Use --nodes ${nodes} or fewer, or make an array with more slots.`,
    );
  }
  if (point.chunkBytes !== chunkBytes) {
    throw new SlotmarkError(
      "input",
      "chunk-differs",
      `--chunk asks for ${point.chunkBytes} bytes, but the array on these members has a bitmap chunk of ${chunkBytes} bytes`,
      "Leave --chunk out, or make the array anew with that chunk.",
    );
  }
}
