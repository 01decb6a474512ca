/** Where a run without `--member` makes its files: on a disk where there is a choice, for /tmp is often memory. */
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

export function defaultMemberFolder(): string {
  return process.env.TMPDIR ?? (existsSync("/var/tmp") ? "/var/tmp" : tmpdir());
}
