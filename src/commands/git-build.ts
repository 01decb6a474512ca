/**
 * A build of slotmark as it was at a commit: checked out into a git worktree and set up there by its own set-up. Builds take minutes;
 * where a folder for them is named they stay there, by commit, and are found again.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SlotmarkError } from "../errors.js";

/** In a folder with a build. */
export function mainOf(folder: string): string {
  return path.join(folder, "dist/src/main.js");
}

/** @returns the commit's 40 hexadecimal digits; null where the repository has no such commit, or there is no repository */
export function commitOfRef(repository: string, ref: string): string | null {
  try {
    return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);
  } catch {
    return null;
  }
}

export interface GitBuild {
  readonly folder: string;
  /** Takes the folder away again, unless it is to stay. */
  readonly remove: () => void;
}

/**
 * @param keepIn folder in which builds stay; null: a temporary one
 * @returns null where `signal` ended it
 * @throws SlotmarkError `build-failed` (input)
 */
export async function buildCommit(
  repository: string,
  commit: string,
  keepIn: string | null,
  signal: AbortSignal,
): Promise<GitBuild | null> {
  const parent = keepIn ?? mkdtempSync(path.join(tmpdir(), "slotmark-build-"));
  mkdirSync(parent, { recursive: true });
  const folder = path.join(path.resolve(parent), commit);
  const remove = () => {
    if (keepIn === null) removeWorktree(repository, parent, folder);
  };
  // Set-up swaps the compiled program in last.
  if (existsSync(mainOf(folder))) return { folder, remove };
  try {
    if (!existsSync(folder)) {
      git(repository, "worktree", "prune");
      git(repository, "worktree", "add", "--detach", folder, commit);
    }
    if (await setUp(folder, commit, signal)) return { folder, remove };
  } catch (error) {
    remove();
    if (error instanceof SlotmarkError) throw error;
    throw failed(commit, `git cannot check it out into ${folder}: ${said(error)}`);
  }
  remove();
  return null;
}

function removeWorktree(repository: string, parent: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  rmSync(parent, { recursive: true, force: true });
  try {
    git(repository, "worktree", "prune");
  } catch {
    // The next one prunes it.
  }
}

/** @returns false where `signal` ended it */
async function setUp(folder: string, commit: string, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  // A process group of its own: npm and cargo have to end with it.
  const child = spawn(process.execPath, ["setup.mjs"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const stop = () => {
    if (child.pid !== undefined) execFileSync("kill", ["-TERM", "--", `-${child.pid}`], { stdio: "ignore" });
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    if (signal.aborted) return false;
    if (code === 0 && existsSync(mainOf(folder))) return true;
    const last = stderr.trim().split("\n").at(-1) ?? "";
    throw failed(commit, last === "" ? "its set-up built no slotmark" : last);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function failed(commit: string, why: string): SlotmarkError {
  return new SlotmarkError(
    "input",
    "build-failed",
    `slotmark as of ${commit.slice(0, 12)} cannot be built: ${why}`,
    "Check that commit out into a folder, run node setup.mjs there until it ends well, and name the folder.",
  );
}

function git(repository: string, ...args: readonly string[]): string {
  // Whoever runs this code trusts its folder already, whosever it is.
  return execFileSync("git", ["-c", "safe.directory=*", "-C", repository, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

function said(error: unknown): string {
  const stderr =
    typeof error === "object" && error !== null ? String(Reflect.get(error, "stderr") ?? "") : "";
  const text = stderr.trim() === "" ? String(error instanceof Error ? error.message : error) : stderr.trim();
  return text.split("\n").at(-1) ?? text;
}
