/**
 * Folders that `ab` takes for builds of slotmark. Their program measures nothing: it writes a result whose latency follows from seed and
 * settings, in no time, so that what `ab` makes of results can be told beforehand.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { madeResult } from "../compare/made-result.js";

export interface MadeBuild {
  /** Of the latency of 400 µs, from the round with this seed on; others in between do not change. */
  readonly factor: number;
  /** The factor holds for seeds up to this one. */
  readonly untilSeed?: number;
  /** Of the latency, percent, up or down by seed and build. */
  readonly noisePercent?: number;
}

const PROGRAM = `
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const args = process.argv.slice(2);
const option = (name) => { const at = args.lastIndexOf(name); return at < 0 ? undefined : args[at + 1]; };
appendFileSync(join(folder, "..", "calls"), JSON.stringify({ folder, args }) + "\\n");
const { factor, untilSeed = Infinity, noisePercent = 1 } = JSON.parse(readFileSync(join(folder, "made.json"), "utf8"));
const result = JSON.parse(readFileSync(join(folder, "result.json"), "utf8"));
const seed = Number(option("--seed"));
const [trial] = result.trials;
// What drifts from round to round is much larger than what the builds differ in.
const drift = 1 + 0.5 * Math.abs(Math.sin(seed));
const noise = 1 + (noisePercent / 100) * Math.sin(1e4 * seed + folder.length + Number(process.env.MADE_NOISE ?? 0));
const slower = Number(process.env.MADE_SLOWER ?? 1) * (seed <= untilSeed ? factor : 1);
trial.metrics.write_latency_ns.p50 = 400000 * drift * noise * slower;
const plug = option("--plug");
if (plug !== undefined) {
  trial.labels.plug = Number(plug);
  result.scenario = { suite: "bitmap", plug: Number(plug) };
  result.scenarioHash = plug.padStart(64, "0");
  trial.metrics.write_latency_ns.p50 *= Number(plug);
}
if (option("--fail-from") !== undefined && seed >= Number(option("--fail-from"))) {
  process.stdout.write(JSON.stringify({ error: { code: "member-failed", message: "the disk is gone", remedy: "Mend it." } }));
  process.exit(74);
}
if (option("--member") !== undefined) result.environment.members[0].device.model = option("--member");
writeFileSync(option("--out"), JSON.stringify(result));
`;

/** @returns the folder of the build */
export function madeBuild(parent: string, name: string, build: MadeBuild): string {
  const folder = join(parent, name);
  mkdirSync(join(folder, "dist/src"), { recursive: true });
  const result = madeResult([{ figures: { "write_latency_ns:p50": [400_000] } }]);
  result.environment.members.push({
    path: "/dev/made",
    kind: "block",
    filesystem: null,
    device: {
      ...{ name: "made", model: null, rotational: null, scheduler: null, writeCache: null, fua: null },
      ...{ logicalBlockBytes: null, physicalBlockBytes: null, backingFile: null },
    },
  });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "slotmark", type: "module" }));
  writeFileSync(join(folder, "dist/src/main.js"), PROGRAM);
  writeFileSync(join(folder, "made.json"), JSON.stringify(build));
  writeFileSync(join(folder, "result.json"), JSON.stringify(result));
  return folder;
}

export interface Call {
  readonly folder: string;
  readonly args: readonly string[];
}

/** What the builds of this folder were called with, in order. */
export function callsIn(parent: string): Call[] {
  return readFileSync(join(parent, "calls"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
