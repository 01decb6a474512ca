/**
 * The members that a run writes: two temporary sparse files, files made where the user said, or devices and arrays that exist. Makes the
 * array that each trial needs, and has every byte that the run will write written once before anything is timed.
 */
import fs from "node:fs";
import path from "node:path";
import type { TaskMember } from "../cluster/node-task.js";
import { SlotmarkError } from "../errors.js";
import type { MdSuperblock } from "../ondisk/md-superblock.js";
import { geometryUnder, SECTOR_BYTES, type SlotGeometry } from "../ondisk/slot-geometry.js";
import type { MatrixPoint } from "../scenario/expand.js";
import type { BitmapScenario } from "../scenario/schema.js";
import { type ClusteredArray, createArray, degradedArray, resetSlots } from "../storage/array.js";
import { writeDegradedSuperblocks } from "../storage/degraded-superblocks.js";
import { MemberFailed } from "../storage/device-error.js";
import type { Member } from "../storage/member.js";
import { openMembers } from "../storage/open-members.js";
import { type PrimeRange, primeRanges } from "../storage/prime.js";
import { defaultMemberFolder } from "./default-member-folder.js";
import type { LostMember } from "./degraded-labels.js";
import { existingArray, MADE_BY_RUN, originalOnExisting, refuseMismatch } from "./existing-array.js";
import type { RunProgress } from "./run-progress.js";
import type { WrittenPart } from "./written-part.js";

export interface RunArray {
  readonly geometry: SlotGeometry;
  /** Those that it has not lost. */
  readonly members: readonly TaskMember[];
  readonly events: number;
  /** It lacks a member. */
  readonly degraded: boolean;
  /** Members that failed since the last trial. */
  readonly lost: readonly LostMember[];
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
  private made = false;
  private readonly lost: LostMember[] = [];
  private toldOf = 0;

  private constructor(
    readonly members: readonly Member[],
    /** An array that was there before: its geometry and UUIDs stay. */
    private existing: ClusteredArray | null,
    private readonly temporaryFolder: string | null,
    /** Members whose old contents were given up. */
    private readonly destroy: readonly string[],
    private readonly onNotice: (text: string) => void,
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
        const existing = await existingArray(members, request.destroy);
        return new RunMembers(members, existing, temporaryFolder, request.destroy, request.onNotice);
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
   * Returns null where `signal` stopped the priming. A member that fails at it is left out.
   * @throws SlotmarkError `member-failed` of the last member, or of any where no array had been made
   */
  async arrayFor(
    scenario: ArrayDemands,
    point: MatrixPoint,
    written: (geometry: SlotGeometry) => WrittenPart,
    signal: AbortSignal,
    progress: RunProgress,
  ): Promise<RunArray | null> {
    for (;;) {
      try {
        return await this.preparedArray(scenario, point, written, signal, progress);
      } catch (error) {
        this.memberFailed(error);
      }
    }
  }

  /**
   * Takes the member that failed while no trial wrote to it out of the array: the superblocks of those that are left say so.
   * @throws the error itself where it is none of a member, where no other is left, or where no array had been made
   */
  memberFailed(error: unknown): void {
    const array = this.existing ?? this.array;
    if (!(error instanceof MemberFailed) || !this.isLeft(error.path)) throw error;
    if (this.left.length === 1 || (this.existing === null && !this.made)) throw error;
    const events = (array?.events ?? 0) + 1;
    this.takeOut([{ path: error.path, message: error.message }], events);
    const degraded = this.existing ?? this.array;
    if (degraded === null) return;
    const left = degraded.members.map((member, index) => ({
      ...member,
      superblock: superblockAt(degraded, index),
    }));
    const [next] = writeDegradedSuperblocks(left, [], events);
    if (next !== undefined) this.memberFailed(next.error);
  }

  /**
   * Takes members out that failed in a trial, which says so itself; its nodes have written the superblocks.
   * @param events the array's from then on; null: the next trial makes the array anew
   */
  lose(failed: readonly LostMember[], events: number | null): void {
    if (failed.length === 0) return;
    if (events === null) this.array = null;
    this.takeOut(failed, events ?? 0);
    this.toldOf = this.lost.length;
  }

  private takeOut(failed: readonly LostMember[], events: number): void {
    this.lost.push(...failed);
    const paths = failed.map(({ path }) => path);
    if (this.existing !== null) this.existing = degradedArray(this.existing, paths, events);
    else if (this.array !== null) this.array = degradedArray(this.array, paths, events);
    const left = this.left.map(({ path }) => path).join(", ");
    for (const { message } of failed)
      this.onNotice(`${message}\nThe array is degraded; the run goes on with ${left}.`);
  }

  private get left(): Member[] {
    return this.members.filter(({ path }) => this.isLeft(path));
  }

  private isLeft(path: string): boolean {
    return !this.lost.some((lost) => lost.path === path);
  }

  private async preparedArray(
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
    const lost = this.lost.slice(this.toldOf);
    this.toldOf = this.lost.length;
    return {
      geometry,
      members: array.members.map(({ path, logicalBlockBytes }, index) => ({
        path,
        logicalBlockBytes,
        superblock: superblockAt(array, index),
        dataOffsetBytes: array.dataOffsetBytes[index] ?? dataOffsetBytes,
      })),
      events: array.events,
      degraded: array.degraded,
      lost,
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
    // Until the new one is there: a failure meanwhile must not bring the old one's superblocks back.
    this.array = null;
    const faultyDevices = [...this.members.keys()].filter(
      (index) => !this.isLeft(this.members[index]?.path ?? ""),
    );
    this.array = await createArray(this.left, {
      faultyDevices,
      nodes,
      chunkBytes: point.chunkBytes,
      level: 1,
      assumeClean: true,
      beyondMdadm: true,
      name: MADE_BY_RUN,
      // Once: signatures left behind would have the next run's guard refuse the member.
      wipe: this.made ? [] : this.destroy,
      daemonSleepSeconds: Math.max(1, Math.round(scenario.daemonSleepMs / 1000)),
    });
    this.made = true;
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
    const members = this.left;
    const totalBytes = memberBytes * members.length;
    if (totalBytes === 0) return true;
    try {
      for (const [index, member] of members.entries()) {
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

function superblockAt({ superblocks }: ClusteredArray, index: number): MdSuperblock {
  const superblock = superblocks[index];
  if (superblock === undefined) throw new Error("every member of an array has a superblock");
  return superblock;
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

function atMost(counts: readonly number[], limit: number): number[] {
  return [...new Set(counts.map((nodes) => Math.min(nodes, limit)))];
}
