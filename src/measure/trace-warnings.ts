/** What a reader has to know of traces that were replayed: what was left out, and which part was measured. */
import { byteText } from "../scenario/byte-text.js";
import type { RunTrace } from "./run-traces.js";
import type { RunWarning } from "./run-warnings.js";
import type { TrialRecord } from "./trial-record.js";

/** How often the writes of a trace were measured in a trial: less than once, a part of it. */
export const TRACE_PASSES_METRIC = "trace_passes";
/** Fewer or more are a part, or a repetition: the ends of a trial cut a write or two. */
const ONCE = 0.05;

export function traceWarnings(traces: readonly RunTrace[], trials: readonly TrialRecord[]): RunWarning[] {
  return traces.flatMap((trace) => [described(trace), ...passes(trace, trials), ...times(trace)]);
}

function described({ name, summary, touchedBytes }: RunTrace): RunWarning {
  const { format, action, writes, writtenBytes, endBytes, timed, durationNs } = summary;
  const source = action === null ? format : `${format}, action ${action}`;
  const left = [
    countOf(summary.reads, "read"),
    countOf(summary.trims, "trim"),
    countOf(summary.syncs, "flush", "flushes"),
    countOf(summary.waits, "wait"),
  ].filter((text) => text !== null);
  const during = timed ? ` in ${seconds(durationNs)}` : "";
  return {
    code: "trace-replayed",
    text:
      `The workload is the trace ${name} (${source}): ${countOf(writes, "write")}, ${byteText(writtenBytes)}${during}, to ${byteText(touchedBytes)} of the ` +
      `array's first ${byteText(endBytes)}.${left.length === 0 ? "" : ` Not replayed: ${left.join(", ")}.`}`,
  };
}

function passes({ name, summary }: RunTrace, trials: readonly TrialRecord[]): RunWarning[] {
  const own = trials.flatMap(({ labels, metrics }) => {
    const value = metrics[TRACE_PASSES_METRIC]?.value;
    return value !== undefined && String(labels.workload).replace(/#\d+$/, "") === `trace:${name}`
      ? [value]
      : [];
  });
  if (own.length === 0) return [];
  const least = Math.min(...own);
  const most = Math.max(...own);
  const warnings: RunWarning[] = [];
  if (least < 1 - ONCE) {
    warnings.push({
      code: "trace-part",
      text:
        `A trial measured as little as ${percent(least)} of the trace ${name}, from its beginning. ` +
        `A longer --time${summary.timed ? ` (all of it at its own times: ${Math.ceil(summary.durationNs / 1e9)}s)` : ""} or a higher --rate takes more.`,
    });
  }
  if (most > 1 + ONCE) {
    warnings.push({
      code: "trace-restarted",
      text: `The trace ${name} ended before a trial did and began again, up to ${Number(most.toPrecision(3))} times in all: repeated writes find their bits set sooner.`,
    });
  }
  return warnings;
}

function times({ name, summary }: RunTrace): RunWarning[] {
  const warnings: RunWarning[] = [];
  if (!summary.timed) {
    warnings.push({
      code: "trace-without-times",
      text: `The trace ${name} has no times: without a --rate its nodes write one plug after another, as fast as they can.`,
    });
  }
  if (summary.outOfOrder > 0) {
    warnings.push({
      code: "trace-out-of-order",
      text: `${countOf(summary.outOfOrder, "write")} of the trace ${name} had a time before that of the write above and took that one's.`,
    });
  }
  return warnings;
}

function countOf(count: number, one: string, many = `${one}s`): string | null {
  return count === 0 ? null : `${count} ${count === 1 ? one : many}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function seconds(ns: number): string {
  return `${Number((ns / 1e9).toPrecision(3))} s`;
}
