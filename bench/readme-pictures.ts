/**
 * The README's pictures, made anew from the results under results/: `npm run pictures`. Files there that hold something else
 * (what a benchmark printed) are passed over, and said so.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { briefly } from "../src/report/model/machine-list.js";
import { reportModel } from "../src/report/model/report-model.js";
import { chartPicture, chartsWithPictures } from "../src/report/picture.js";
import { writeFileAtomically } from "../src/results/atomic-file.js";
import { readResult } from "../src/results/store.js";

/** From dist/bench/. */
const RESULTS = fileURLToPath(new URL("../../results/", import.meta.url));
const PICTURES = join(RESULTS, "pictures");

function isResult(path: string): boolean {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  return typeof value === "object" && value !== null && "schemaVersion" in value && "trials" in value;
}

const files = readdirSync(RESULTS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".json"))
  .sort();
const used = files.filter((name) => isResult(join(RESULTS, name)));
for (const name of files) {
  process.stdout.write(`${used.includes(name) ? "from" : "not a result of a run:"} results/${name}\n`);
}
if (used.length === 0) throw new Error("there is no result under results/: make one with slotmark run --out");
const model = reportModel(used.map((file) => ({ file, result: readResult(join(RESULTS, file)) })));
const drawn = chartsWithPictures(model.charts).map(
  (chart) => [chart, chartPicture(chart, model.machines.map(briefly))] as const,
);
// What is no longer drawn does not stay behind.
rmSync(PICTURES, { recursive: true, force: true });
mkdirSync(PICTURES, { recursive: true });
for (const [{ id, title, conditions }, png] of drawn) {
  writeFileAtomically(join(PICTURES, `${id}.png`), png);
  process.stdout.write(
    `results/pictures/${id}.png  ${title}${conditions === "" ? "" : ` (${conditions})`}\n`,
  );
}
