/**
 * The reference results: every suite by `slotmark run` on three kinds of member, two files on the temporary folder's filesystem, two loop
 * devices over such files, and two over files in memory, into results/reference/. As root, on a machine that has nothing else to do.
 * Suites that take longer than a few minutes are cut down to what their pictures need; each file says what was asked for. About an
 * hour; `--kind` and `--suite` (repeat) make it shorter. `npm run pictures` makes the README's pictures from them.
 */
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { OWN_MAIN } from "../src/commands/child-run.js";

/** From dist/bench/. */
const RESULTS = fileURLToPath(new URL("../../results/reference/", import.meta.url));
const GIB = 2 ** 30;
/** What a repository can carry. */
const MOST_BYTES = 1 << 20;

const { values: options } = parseArgs({
  options: {
    kind: { type: "string", multiple: true, default: [] },
    suite: { type: "string", multiple: true, default: [] },
  },
});

interface Suite {
  readonly name: string;
  /** Of each member; null: it writes none. */
  readonly memberBytes: number | null;
  readonly members: number;
  readonly options: readonly string[];
  /** On loop devices instead: of an option that is given twice the last one counts. */
  readonly loopOptions?: readonly string[];
}

const SUITES: readonly Suite[] = [
  { name: "quick", memberBytes: GIB, members: 2, options: ["--trials", "3"] },
  {
    name: "bitmap",
    memberBytes: GIB,
    members: 2,
    options: ["--chunk", "64K,4M", "--workload", "uniform", "--plug", "1", "--trials", "6"],
  },
  {
    name: "node-scaling",
    memberBytes: GIB,
    members: 2,
    options: ["--nodes", "1,4,64", "--trials", "6"],
  },
  { name: "add-disk", memberBytes: GIB / 16, members: 3, options: ["--nodes", "2,4,8"] },
  { name: "recovery", memberBytes: GIB / 2, members: 2, options: [] },
  {
    name: "chunk-sweep",
    memberBytes: 100 * GIB,
    members: 2,
    options: ["--chunk", "256K,4M,64M", "--rate", "10%", "--working-set", "10%"],
    // Half a minute a trial: the whole curve is looked at once, its ends everywhere.
    loopOptions: ["--chunk", "256K,64M", "--trials", "2"],
  },
  { name: "locks", memberBytes: null, members: 0, options: ["--nodes", "2,8", "--trials", "1"] },
  { name: "messages", memberBytes: null, members: 0, options: ["--trials", "2"] },
];

interface Kind {
  readonly name: string;
  /** Where its files lie. */
  readonly under: string;
  readonly loop: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "file", under: tmpdir(), loop: false },
  { name: "loop-device", under: tmpdir(), loop: true },
  { name: "loop-in-memory", under: "/dev/shm", loop: true },
];

function isWanted(name: string, chosen: readonly string[]): boolean {
  return chosen.length === 0 || chosen.includes(name);
}

function measure(kind: Kind, suite: Suite): void {
  const { name, memberBytes, members } = suite;
  if (memberBytes === null) {
    run(suite, [], join(RESULTS, `${name}.json`));
    return;
  }
  const folder = mkdtempSync(join(kind.under, "slotmark-reference-"));
  const loops: string[] = [];
  try {
    const paths = Array.from({ length: members }, (_, index) => {
      const file = join(folder, `member-${index}.img`);
      const descriptor = openSync(file, "wx");
      ftruncateSync(descriptor, memberBytes);
      closeSync(descriptor);
      if (!kind.loop) return file;
      const device = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
      loops.push(device);
      return device;
    });
    const more = kind.loop ? (suite.loopOptions ?? []) : [];
    mkdirSync(join(RESULTS, kind.name), { recursive: true });
    run(
      suite,
      [...paths.flatMap((path) => ["--member", path]), ...more],
      join(RESULTS, kind.name, `${name}.json`),
    );
  } finally {
    for (const device of loops) execFileSync("losetup", ["--detach", device]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function run({ name, options: suiteOptions }: Suite, more: readonly string[], out: string): void {
  const args = ["run", name, ...suiteOptions, ...more];
  console.log(`${out.slice(RESULTS.length)}: slotmark ${args.join(" ")}`);
  mkdirSync(RESULTS, { recursive: true });
  const startMs = performance.now();
  execFileSync(process.execPath, [OWN_MAIN, ...args, "--quiet", "--out", out], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const bytes = statSync(out).size;
  console.log(`  ${Math.round((performance.now() - startMs) / 1000)} s, ${Math.round(bytes / 1024)} KiB`);
  if (bytes > MOST_BYTES) {
    rmSync(out);
    console.log("  larger than 1 MiB, and not kept: ask for fewer trials");
    process.exitCode = 1;
  }
}

for (const suite of SUITES.filter(({ name }) => isWanted(name, options.suite))) {
  const kinds = suite.memberBytes === null ? KINDS.slice(0, 1) : KINDS;
  for (const kind of kinds.filter(({ name }) => isWanted(name, options.kind))) measure(kind, suite);
}
