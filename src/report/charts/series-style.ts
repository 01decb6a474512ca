/** Which colour, line and marker a series gets: machines by colour and marker, variants of one machine by line. */
import type { ChartSeries } from "./chart-spec.js";

type Style = Pick<ChartSeries, "colour" | "dash" | "marker">;

/** With a single machine its variants take the colours. */
export function seriesStyle(machine: number, variant: number, machineCount: number): Style {
  return machineCount > 1
    ? { colour: machine, dash: variant, marker: machine }
    : { colour: variant, dash: variant, marker: variant };
}

/** `vm, tmpfs: with bitmap`; with a single machine the variant alone. */
export function seriesName(machine: string, variant: string, machineCount: number): string {
  if (machineCount < 2) return variant === "" ? machine : variant;
  return variant === "" ? machine : `${machine}: ${variant}`;
}
