/**
 * What an operating system error on a member becomes: one sentence that names member, byte offset and errno.
 */
import { getSystemErrorMap } from "node:util";
import { SlotmarkError } from "../errors.js";

export function isErrnoException(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error;
}

/** The errno name, for example `ENOSPC`; undefined where `error` is no system error. */
export function errnoCode(error: unknown): string | undefined {
  return isErrnoException(error) ? error.code : undefined;
}

/** For example `no space left on device (ENOSPC)`. */
export function errnoText(error: unknown): string {
  if (!isErrnoException(error)) return error instanceof Error ? error.message : String(error);
  const text = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno)?.[1];
  return text === undefined ? (error.code ?? error.message) : `${text} (${error.code})`;
}

/** What Node would have thrown, for an errno that came another way. */
export function errnoError(errno: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
  return Object.assign(new Error(`${code}, ${syscall}`), { errno: -errno, code, syscall });
}

export interface FailedTransfer {
  readonly path: string;
  readonly action: "writing" | "reading" | "flushing" | "opening";
  readonly offsetBytes?: number;
  readonly lengthBytes?: number;
}

/** Kind `device`, code `member-failed` (exit 74 where no member is left): which member, for those who go on without it. */
export class MemberFailed extends SlotmarkError {
  constructor(
    readonly path: string,
    message: string,
    remedy: string,
  ) {
    super("device", "member-failed", message, remedy);
  }
}

export function memberFailed(transfer: FailedTransfer, cause: unknown): MemberFailed {
  const { path, action, offsetBytes, lengthBytes } = transfer;
  const length = lengthBytes === undefined ? "" : ` ${lengthBytes} bytes`;
  const place = offsetBytes === undefined ? "" : ` at byte offset ${offsetBytes}`;
  const error = new MemberFailed(
    path,
    `member ${path}: ${action}${length}${place} failed: ${errnoText(cause)}`,
    errnoCode(cause) === "ENOSPC"
      ? "free space under this member, or choose a smaller --size"
      : "look at the kernel log (dmesg) for this device, then repeat the run or go on with --resume",
  );
  error.cause = cause;
  return error;
}
