/** The builds of `ab`'s sides, made where they are git refs; one of both where it is the same commit. */

import type { Side } from "./ab-sides.js";
import { buildCommit, type GitBuild, mainOf } from "./git-build.js";
import type { RunningSide } from "./interleaved-rounds.js";

export interface BuildPlan {
  readonly repository: string;
  /** null: builds are taken away again. */
  readonly keepIn: string | null;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export class SideBuilds {
  private readonly byCommit = new Map<string, GitBuild>();

  constructor(private readonly plan: BuildPlan) {}

  /**
   * @param args of both sides
   * @returns null where the signal ended it
   * @throws SlotmarkError `build-failed` (input)
   */
  async of(side: Side, args: readonly string[]): Promise<RunningSide | null> {
    const folder = "folder" in side.build ? side.build.folder : await this.built(side.build.commit);
    if (folder === null) return null;
    const { name, environment } = side;
    return { name, environment, main: mainOf(folder), args: [...args, ...side.args] };
  }

  private async built(commit: string): Promise<string | null> {
    const { repository, keepIn, signal, say } = this.plan;
    const known = this.byCommit.get(commit);
    if (known !== undefined) return known.folder;
    say(`building slotmark as of ${commit.slice(0, 12)}, which may take minutes`);
    const build = await buildCommit(repository, commit, keepIn, signal);
    if (build === null) return null;
    this.byCommit.set(commit, build);
    return build.folder;
  }

  remove(): void {
    for (const build of this.byCommit.values()) build.remove();
  }
}
