/**
 * Where the kernel shows its devices and mounts. A parameter everywhere, so that trees of other machines can be examined.
 */
export interface SystemRoots {
  readonly sys: string;
  readonly proc: string;
}

export const SYSTEM_ROOTS: SystemRoots = { sys: "/sys", proc: "/proc" };
