/** `slotmark create`: a clustered array on files or devices, as mdadm makes it. */
import { unlinkSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { SlotmarkError } from "../errors.js";
import type { ArrayLevel } from "../ondisk/array-size.js";
import { CLUSTER_NAME_BYTES } from "../ondisk/bitmap-superblock.js";
import { SECTOR_BYTES } from "../ondisk/slot-geometry.js";
import { uuidText } from "../ondisk/uuid.js";
import { byteText } from "../scenario/byte-text.js";
import { parseSizeBytes } from "../scenario/quantities.js";
import { type ClusteredArray, createArray } from "../storage/array.js";
import type { Member } from "../storage/member.js";
import { openMembers } from "../storage/open-members.js";
import { interruption } from "./interruption.js";
import { repeatedOption } from "./repeated-option.js";

interface CreateCommandOptions {
  readonly nodes?: number;
  readonly size?: number;
  readonly chunk: number | "default";
  readonly level: ArrayLevel;
  readonly clusterName?: string;
  readonly assumeClean?: boolean;
  readonly uuid?: string;
  readonly deviceUuid: readonly string[];
  readonly time?: number;
  readonly name?: string;
  readonly beyondMdadm?: boolean;
  readonly destroy: readonly string[];
  readonly watch: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function registerCreate(program: Command): void {
  program
    .command("create")
    .description("make a clustered array on files or devices")
    .argument("<member...>", "files (made sparse when absent) or block devices")
    .option("--nodes <n>", "slots, 2 to 64 (default: 4)", wholeNumber)
    .option("--size <size>", "length of a member; of larger ones only so much is used", parseSizeBytes)
    .option("--chunk <size>", "bitmap chunk, or default: 64M or mdadm's minimum", chunkSize, "default")
    .option("--level <level>", "1, or 10 (near 2)", level, 1)
    .option("--cluster-name <name>", "corosync's totem.cluster_name (default: slotmark)")
    .option("--assume-clean", "no first resync")
    .option("--uuid <uuid>", "the array's UUID (default: random)")
    .addOption(
      repeatedOption("--device-uuid <uuid>", "a member's UUID; repeat in order of the members", "random"),
    )
    .option("--time <seconds>", "time of creation, in seconds since 1970 (default: now)", wholeNumber)
    .option("--name <host:name>", "the array's name")
    .option("--beyond-mdadm", "allow chunks under mdadm's minimum and move the data so that all slots fit")
    .addOption(
      repeatedOption("--destroy <path>", "give up what this very member holds; repeat for each", "none"),
    )
    .option("--no-watch", "do not wait to see whether another host uses a clustered member")
    .action(async (paths: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CreateCommandOptions>();
      const signal = interruption.listen();
      const array = await createOnPaths(paths, options, signal).catch((error: unknown) => {
        // Interrupted before the array was there: main.ts says so with its exit code.
        if (signal.aborted) return undefined;
        throw error;
      });
      if (array === undefined) return;
      process.stdout.write(
        options.json ? `${JSON.stringify(arrayJson(array), null, 2)}\n` : arrayText(array),
      );
      if (options.quiet) return;
      for (const note of notesOf(array, options)) process.stderr.write(`note: ${note}\n`);
    });
}

async function createOnPaths(
  paths: readonly string[],
  options: CreateCommandOptions,
  signal: AbortSignal,
): Promise<ClusteredArray> {
  const members = await openMembers({
    paths,
    destroy: options.destroy,
    watch: options.watch,
    createSizeBytes: options.size,
    existingArray: "refuse",
    signal,
    ...(options.quiet ? { onNotice: () => {} } : {}),
  });
  try {
    return await createArray(members, {
      nodes: options.nodes,
      chunkBytes: options.chunk,
      level: options.level,
      clusterName: options.clusterName,
      assumeClean: options.assumeClean,
      setUuid: options.uuid,
      deviceUuids: options.deviceUuid,
      name: options.name,
      createdSeconds: options.time,
      beyondMdadm: options.beyondMdadm,
      memberBytes: options.size,
      sparse: true,
      wipe: options.destroy,
      signal,
    });
  } catch (error) {
    removeMade(members);
    throw error;
  } finally {
    for (const member of members) member.close();
  }
}

/** A member is whole or absent. */
function removeMade(members: readonly Member[]): void {
  for (const member of members) if (member.created) unlinkSync(member.path);
}

function arrayJson(array: ClusteredArray) {
  const { geometry } = array;
  return {
    setUuid: array.setUuid,
    setName: array.setName,
    level: array.level,
    clusterName: array.clusterName,
    nodes: geometry.nodes,
    chunkBytes: geometry.chunkBytes,
    chunks: geometry.chunks,
    strideSectors: geometry.strideSectors,
    sizeSectors: array.componentSectors,
    syncSizeSectors: geometry.syncSizeSectors,
    dataOffsetSectors: geometry.dataOffsetSectors,
    members: array.members.map(({ path, created }, index) => ({
      member: path,
      created,
      deviceUuid: uuidText(array.superblocks[index]?.deviceUuid ?? new Uint8Array()),
    })),
  };
}

function arrayText(array: ClusteredArray): string {
  const { geometry, members } = array;
  const chunks = geometry.chunks === 1 ? "1 chunk" : `${geometry.chunks} chunks`;
  return [
    ["array", `${array.setUuid} "${array.setName}"`],
    ["level", `raid${array.level} on ${members.map(({ path }) => path).join(", ")}`],
    ["bitmap", `${geometry.nodes} slots of ${chunks} of ${byteText(geometry.chunkBytes)}`],
    ["slots", `from sector ${geometry.firstSlotSector}, every ${geometry.strideSectors} sectors`],
    [
      "data",
      `from sector ${geometry.dataOffsetSectors}, ${byteText(array.componentSectors * SECTOR_BYTES)} of each member`,
    ],
  ]
    .map(([label, value]) => `${label?.padEnd(8)}${value}\n`)
    .join("");
}

/** What is worth knowing and no error. */
function notesOf(array: ClusteredArray, options: CreateCommandOptions): string[] {
  const notes: string[] = [];
  if (array.level === 10) {
    notes.push(
      "level 10 is placed by mdadm's rules as read, not compared with an array that mdadm made; mdadm -E and -X accept it",
    );
  }
  if (new TextEncoder().encode(options.clusterName ?? "").length === CLUSTER_NAME_BYTES) {
    notes.push(
      `the cluster name was cut to ${CLUSTER_NAME_BYTES - 1} bytes, as mdadm does: "${array.clusterName}"`,
    );
  }
  return notes;
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("It is a whole number.");
}

function chunkSize(text: string): number | "default" {
  return text === "default" ? "default" : parseSizeBytes(text);
}

function level(text: string): ArrayLevel {
  if (text === "1" || text === "10") return text === "1" ? 1 : 10;
  throw new SlotmarkError(
    "usage",
    "level-unsupported",
    `level ${text} has no clustered bitmap`,
    "choose --level 1, or 10 (near layout)",
  );
}
