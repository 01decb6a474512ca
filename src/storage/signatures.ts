/**
 * What lies on a member already, as util-linux's prober knows it: filesystems, partition tables, LVM, LUKS, md and the
 * rest. We ask `wipefs` (which without options only lists) and `blkid -p` rather than parse a hundred formats.
 */
import { spawnSync } from "node:child_process";
import { z } from "zod";
import { SlotmarkError } from "../errors.js";
import { errnoText } from "./device-error.js";

export interface Signature {
  /** libblkid's name, for example `ext4`, `LVM2_member`, `linux_raid_member`, `gpt`. */
  readonly type: string;
  readonly offsetBytes: number;
}

/** blkid(8), "Exit status", of low-level probing. */
const BLKID_NOTHING = 2;
const BLKID_AMBIVALENT = 8;

const wipefsOutput = z.object({
  signatures: z.array(z.object({ type: z.string(), offset: z.string() })),
});

/**
 * @param prober `wipefs`, or another name of it
 * @throws SlotmarkError `refused`/`prober-missing` without util-linux, `refused`/`prober-failed` where it cannot read
 */
export function readSignatures(path: string, prober = "wipefs"): Signature[] {
  const output = runProber(prober, ["--json", "--output", "TYPE,OFFSET", path], [0]);
  if (output.text.trim() === "") return [];
  const parsed = wipefsOutput.safeParse(parseJson(output.text));
  if (!parsed.success) throw proberFailed(prober, path, "its output is not of the expected form");
  return parsed.data.signatures.map(({ type, offset }) => ({ type, offsetBytes: Number(offset) }));
}

/** The type found `offsetBytes` into `path`, where a data area begins; undefined where nothing is known there. */
export function readSignatureAt(path: string, offsetBytes: number): string | undefined {
  const output = runProber(
    "blkid",
    ["--probe", "--offset", String(offsetBytes), "--output", "export", path],
    [0, BLKID_NOTHING, BLKID_AMBIVALENT],
  );
  // The export form ends the probing's outcome 8 with nothing on stdout, although something is there.
  const ambivalent = output.status === BLKID_AMBIVALENT ? "several signatures" : undefined;
  return /^(?:TYPE|PTTYPE)=(.+)$/m.exec(output.text)?.[1] ?? ambivalent;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function runProber(
  command: string,
  options: readonly string[],
  accepted: readonly number[],
): { status: number; text: string } {
  const path = options.at(-1) ?? "";
  const result = spawnSync(command, options, {
    encoding: "utf8",
    // Administrators' tools are not in every user's PATH.
    env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" },
  });
  if (result.error !== undefined) {
    throw new SlotmarkError(
      "refused",
      "prober-missing",
      `member ${path}: cannot tell what is on it, because ${command} does not run: ${errnoText(result.error)}`,
      "install util-linux (Debian: apt-get install util-linux)",
    );
  }
  if (result.status === null || !accepted.includes(result.status)) {
    throw proberFailed(command, path, result.stderr.trim() || `it ended with status ${result.status}`);
  }
  return { status: result.status, text: result.stdout };
}

function proberFailed(command: string, path: string, reason: string): SlotmarkError {
  return new SlotmarkError(
    "refused",
    "prober-failed",
    `member ${path}: cannot tell what is on it, because ${command} failed: ${reason}`,
    `run "${command} ${path}" by hand and repair what it says`,
  );
}
