/** Workloads that are traces: `trace:FILE` in a scenario and on the command line. */
import path from "node:path";
import { z } from "zod";
import type { BitmapScenario } from "./schema.js";

const PREFIX = "trace:";

export type TraceWorkload = `trace:${string}`;

export const traceWorkloadSchema = z.templateLiteral([PREFIX, z.string().min(1)]);

export function isTrace(workload: unknown): workload is TraceWorkload {
  return typeof workload === "string" && workload.startsWith(PREFIX);
}

export function tracePath(workload: TraceWorkload): string {
  return workload.slice(PREFIX.length);
}

/** The same with an absolute path; other workloads as they are. */
export function withAbsolutePath(workload: unknown, folder: string): unknown {
  if (!isTrace(workload) || workload === PREFIX) return workload;
  return PREFIX + path.resolve(folder, tracePath(workload));
}

/** Traces alone are replayed at their own times unless a rate is given. */
export function impliedRate(workloads: unknown): BitmapScenario["rate"] | undefined {
  const list = Array.isArray(workloads) ? workloads : [workloads];
  return list.length > 0 && list.every(isTrace) ? ["recorded"] : undefined;
}

/** A workload in names and labels: a trace by its file's name, numbered where the scenario has several of that name. */
export function workloadName(scenario: BitmapScenario, workload: BitmapScenario["workload"][number]): string {
  if (!isTrace(workload)) return workload;
  const name = path.basename(workload);
  const alike = scenario.workload.filter((one) => isTrace(one) && path.basename(one) === name);
  return `${PREFIX}${name}${alike.length > 1 ? `#${alike.indexOf(workload) + 1}` : ""}`;
}
