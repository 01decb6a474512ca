/** Collects what the nodes of a run's trials tell, for `--trace`. */
import type { ClusterEvent } from "../cluster/cluster-event.js";

export class TraceSink {
  private readonly collected = new Map<string, ClusterEvent[]>();
  /** Events that were too many for a trace. */
  dropped = 0;

  add(trialId: string, events: readonly ClusterEvent[], dropped = 0): void {
    this.dropped += dropped;
    const before = this.collected.get(trialId);
    if (before === undefined) this.collected.set(trialId, [...events]);
    else for (const event of events) before.push(event);
  }

  /** In the order of the run. */
  get trials(): { readonly id: string; readonly events: readonly ClusterEvent[] }[] {
    return [...this.collected].map(([id, events]) => ({ id, events }));
  }
}
