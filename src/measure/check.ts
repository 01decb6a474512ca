/** One thing that was looked at before measuring: what was found, and what to do about it. */
export interface Check {
  readonly name: string;
  /** The path or device that was looked at; null for the machine as a whole. */
  readonly subject: string | null;
  /** `warning`: figures will suffer; `note`: they depend on it; `impossible`: no run can be made like this. */
  readonly status: "ok" | "note" | "warning" | "impossible";
  readonly found: string;
  /** What to do; null where nothing needs doing. */
  readonly remedy: string | null;
}
