/** The tax on writes against the bytes to resync, a point a chunk size: which chunk to use is read from here. */
import type { ChunkAdvice } from "../../results/chunk-advice-schema.js";
import { formatSize } from "../../scenario/quantities.js";
import { groupBy } from "../model/group-by.js";
import type { Machine } from "../model/machine-list.js";
import { describeLabels } from "../trial-groups.js";
import type { ChartSeries, ChartSpec } from "./chart-spec.js";
import { seriesName, seriesStyle } from "./series-style.js";

const READING =
  "Each point is a chunk size, the shaded band the interval of its tax. Further down writes cost less, further left a crash leaves less to copy. The ring marks the chunk to use, the small square the knee, where the curve bends most.";

interface Curve {
  readonly machine: number;
  readonly advice: ChunkAdvice;
  readonly rate: string;
  readonly conditions: string;
}

export function chunkSweepCharts(machines: readonly Machine[]): ChartSpec[] {
  const curves = machines.flatMap(({ chunkAdvice }, machine) =>
    chunkAdvice.map((advice) => ({ machine, advice, ...wordsOf(advice) })),
  );
  const several = new Set(curves.map(({ machine }) => machine)).size > 1;
  // On one machine rates share a picture; several machines have one picture a rate.
  const pictures = groupBy(curves, ({ rate, conditions }) =>
    several ? `${rate}, ${conditions}` : conditions,
  );
  return [...pictures].map(([conditions, ofPicture], index) => ({
    id: `chunk-sweep-${index + 1}`,
    title: "What a chunk size costs, and what it leaves to resync",
    conditions,
    reading: READING,
    x: { label: "Bytes that a crash would leave to resync", unit: "bytes", scale: "log" },
    y: { label: "Bitmap tax on the mean write, percent", unit: "percent", scale: "log" },
    series: ofPicture.map((curve, place) => seriesOf(curve, place, machines, several)),
  }));
}

function wordsOf({ setting }: ChunkAdvice): { readonly rate: string; readonly conditions: string } {
  const { ratePercent, ratePerSecond, loop: _, ...others } = setting;
  const rate = ratePercent === undefined ? `${ratePerSecond} writes/s` : `${ratePercent} % of the maximum`;
  return { rate, conditions: describeLabels(others) };
}

function seriesOf(
  { machine, advice, rate }: Curve,
  place: number,
  machines: readonly Machine[],
  several: boolean,
): ChartSeries {
  // By chunk size: where the whole working set is dirty, larger chunks leave no more to resync.
  const { points, chunkBytes, kneeChunkBytes, verdict } = advice;
  const indexOf = (chunk: number | null) => points.findIndex((point) => point.chunkBytes === chunk);
  const [chosen, knee] = [indexOf(chunkBytes), indexOf(kneeChunkBytes)];
  return {
    name: seriesName(machines[machine]?.name ?? "", several ? "" : rate, several ? 2 : 1),
    machine,
    ...(several ? seriesStyle(machine, 0, 2) : seriesStyle(0, place, 1)),
    inOrder: true,
    points: points.map(({ dirtyBytes, taxPercent: { median, low, high } }) => [
      dirtyBytes.mean,
      median,
      low,
      high,
    ]),
    notes: points.map((point) => formatSize(point.chunkBytes)),
    ...(chosen >= 0 ? { chosen: { index: chosen, text: chosenText(chunkBytes, verdict) } } : {}),
    ...(knee >= 0 ? { knee } : {}),
  };
}

function chosenText(chunkBytes: number, verdict: ChunkAdvice["verdict"]): string {
  const chunk = formatSize(chunkBytes);
  if (verdict === "use") return `use ${chunk}`;
  return verdict === "undecided" ? `likeliest ${chunk}` : `any; ${chunk}`;
}
