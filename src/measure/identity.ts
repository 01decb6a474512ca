/**
 * Which slotmark this is: version, and the commit that its code was built from. The repository around it is asked first,
 * then what set-up noted; a copy without either honestly says "unknown".
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The package's folder: this file runs from dist/src/measure/. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export interface SlotmarkIdentity {
  readonly version: string;
  /** 40 hexadecimal digits, `+changes` where tracked files differ from that commit; or "unknown". */
  readonly commit: string;
}

function readField(path: string, field: string): string | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    const found = typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
    return typeof found === "string" ? found : undefined;
  } catch {
    return undefined;
  }
}

function git(...args: string[]): string {
  // Whoever runs this code trusts its folder already, whosever it is.
  return execFileSync("git", ["-c", "safe.directory=*", "-C", PACKAGE_ROOT, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}

function commitOfRepository(): string | undefined {
  if (!existsSync(`${PACKAGE_ROOT}.git`)) return undefined;
  try {
    const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
    return `${git("rev-parse", "HEAD")}${changed ? "+changes" : ""}`;
  } catch {
    return undefined;
  }
}

export function slotmarkVersion(): string {
  return readField(`${PACKAGE_ROOT}package.json`, "version") ?? "unknown";
}

export function slotmarkIdentity(): SlotmarkIdentity {
  const commit = commitOfRepository() ?? readField(`${PACKAGE_ROOT}build/commit.json`, "commit");
  return { version: slotmarkVersion(), commit: commit ?? "unknown" };
}
