/** One bitmap page on one member, as the node issues it: what a replay puts out. */
export type WriteCause = "unplug" | "daemon" | "superblock" | "stop";

export interface PageWrite {
  readonly timeSeconds: number;
  /** The node's slot number, from 0. */
  readonly node: number;
  readonly member: string;
  readonly slot: number;
  readonly page: number;
  /** Absolute sector on the member. */
  readonly sector: number;
  readonly sectors: number;
  readonly cause: WriteCause;
}
