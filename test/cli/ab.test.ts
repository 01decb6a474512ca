import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildCommit, commitOfRef, mainOf } from "../../src/commands/git-build.js";
import { roundOfTrial } from "../../src/results/round-merge.js";
import { readResult } from "../../src/results/store.js";
import { temporaryFolder } from "../results/temporary-folder.js";
import { callsIn, type MadeBuild, madeBuild } from "./made-build.js";
import { MAIN, type Outcome, REPOSITORY, runSlotmark } from "./run-slotmark.js";

interface Builds {
  readonly parent: string;
  readonly a: string;
  readonly b: string;
}

function builds(context: TestContext, b: MadeBuild, a: MadeBuild = { factor: 1 }): Builds {
  const parent = temporaryFolder(context);
  return { parent, a: madeBuild(parent, "one", a), b: madeBuild(parent, "other", b) };
}

function ab({ a, b }: Pick<Builds, "a" | "b">, ...more: string[]): Outcome {
  return runSlotmark(["ab", a, b, ...more, "--quiet"]);
}

for (const [code, what, build, word, formats] of [
  [0, "unchanged", { factor: 1 }, "Unchanged", ["text"]],
  [1, "regressed by 4 %, under a drift of 50 %", { factor: 1.04 }, "Regressed", ["junit", "github"]],
  [0, "improved", { factor: 0.9 }, "Improved", ["markdown"]],
  [5, "too much noise", { factor: 1, noisePercent: 60 }, "Inconclusive", ["json"]],
] as const) {
  test(`exit ${code} in the formats of compare: ${what}`, (context) => {
    const made = builds(context, build);
    for (const format of formats) {
      const { code: actual, stdout, stderr } = ab(made, "--format", format);
      assert.equal(actual, code, `${format}: ${stderr}${stdout}`);
      assert.ok(stdout.includes(word), `${format}: ${stdout}`);
    }
  });
}

test("sides run by turns in random order, a process each, in a round with the same seed", (context) => {
  const made = builds(context, { factor: 1 });
  const out = join(made.parent, "out");
  const { code, stdout } = ab(made, "locks", "--nodes", "1", "--seed", "7", "--out", out, "--json");
  assert.equal(code, 0, stdout);
  const calls = callsIn(made.parent);
  assert.equal(calls.length, 24);
  const firsts = new Set<string>();
  for (let round = 0; round < 12; round++) {
    const [one, other] = calls.slice(2 * round, 2 * round + 2);
    assert.deepEqual([one?.folder, other?.folder].sort(), [made.a, made.b].sort());
    for (const call of [one, other]) {
      assert.deepEqual(call?.args.slice(0, 8), [
        ...["run", "locks", "--nodes", "1", "--trials", "1", "--seed"],
        String(7 + round),
      ]);
    }
    firsts.add(one?.folder ?? "");
  }
  assert.equal(firsts.size, 2, "either goes first now and then");
  assert.deepEqual(readdirSync(out).sort(), ["a.json", "b.json"]);
  const { trials } = readResult(join(out, "b.json"));
  assert.deepEqual(
    trials.map(roundOfTrial),
    Array.from({ length: 12 }, (_, index) => index + 1),
  );
  const { figures, notes } = JSON.parse(stdout);
  assert.equal(figures[0].method, "signedRank");
  assert.equal(figures[0].rounds, 12);
  assert.ok(notes.some((note: string) => note.includes(join(out, "a.json"))));
});

test("two settings of one build: what ab varies is no difference, and the labels do not keep them apart", (context) => {
  const made = builds(context, { factor: 1 });
  const settings = ["--a", "--plug 1 --workload 'trace:two words.log'", "--b", "--plug 8"];
  const { code, stdout } = ab({ a: made.a, b: made.a }, ...settings);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /\+700\.0 %|\+700 %/);
  assert.match(stdout, /^BASE +A .*--plug 1 --workload 'trace:two words\.log': /m);
  assert.match(stdout, /^HEAD +B .*--plug 8: /m);
  assert.doesNotMatch(stdout, /anyway/);
  assert.ok(callsIn(made.parent).some(({ args }) => args.includes("trace:two words.log")));
});

test("two members, two environments", (context) => {
  const made = builds(context, { factor: 1 });
  const members = ab(made, "--member-a", "/dev/x", "--member-b", "/dev/y");
  assert.equal(members.code, 0, members.stdout + members.stderr);
  const environments = ab(made, "--env-b", "MADE_SLOWER=1.5");
  assert.equal(environments.code, 1, environments.stdout);
});

test("what else differs is not comparable, and said after the first round", (context) => {
  const made = builds(context, { factor: 1 });
  const other = madeBuild(made.parent, "elsewhere", { factor: 1 });
  const result = readResult(join(other, "result.json"));
  const changed = { ...result, environment: { ...result.environment, hostname: "elsewhere" } };
  writeFileSync(join(other, "result.json"), JSON.stringify(changed));
  const outcome = ab({ a: made.a, b: other }, "--a", "--plug 1", "--b", "--plug 2");
  assert.equal(outcome.code, 3, outcome.stdout);
  assert.match(outcome.stdout, /hostname/);
  assert.doesNotMatch(outcome.stdout, /scenario/);
  assert.equal(callsIn(made.parent).length, 2);
});

test("nothing matched: exit 4 after the first round", (context) => {
  const made = builds(context, { factor: 1 });
  const { code, stderr } = ab(made, "--metric", "nothing_like_it", "--out", join(made.parent, "out"));
  assert.equal(code, 4, stderr);
  assert.equal(callsIn(made.parent).length, 2);
});

test("a side that fails ends it with its own code; whole rounds are kept", (context) => {
  const made = builds(context, { factor: 1 });
  const out = join(made.parent, "out");
  const args = ["ab", made.a, made.b, "--b", "--fail-from 3", "--out", out];
  const { code, stderr } = runSlotmark(args);
  assert.equal(code, 74, stderr);
  assert.match(stderr, /slotmark: B .*other --fail-from 3: the disk is gone\nMend it\./);
  assert.match(stderr, /The 2 whole rounds measured so far are kept; `slotmark compare .*a\.json .*b\.json`/);
  assert.equal(readResult(join(out, "a.json")).trials.length, 2);
});

test("SIGINT keeps the whole rounds, and takes nothing else with it", async (context) => {
  const made = builds(context, { factor: 1 });
  const out = join(made.parent, "out");
  const args = [MAIN, "ab", made.a, made.b, "--trials", "1000", "--out", out];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    if (text.includes("round 3 ")) child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 130, stderr);
  assert.deepEqual(readdirSync(out).sort(), ["a.json", "b.json"]);
  assert.ok(readResult(join(out, "a.json")).trials.length >= 2);
  assert.match(stderr, /whole rounds measured so far are kept/);
});

test("--until-decided adds rounds until the change shows, and says how often it looked", (context) => {
  const made = builds(context, { factor: 1.06, noisePercent: 8 });
  const options = ["--until-decided", "--threshold", "1"];
  const { code, stdout, stderr } = ab(made, "--json", ...options);
  assert.equal(code, 1, stdout + stderr);
  const { looks, figures, alpha, notes } = JSON.parse(stdout);
  assert.ok(looks.rounds.length > 1, stdout);
  assert.equal(looks.rounds.at(-1), callsIn(made.parent).length / 2);
  assert.equal(figures[0].rounds, looks.rounds.at(-1));
  assert.equal(alpha, 0.01);
  assert.ok(
    notes.some((note: string) => note.startsWith(`Looked at ${looks.rounds.length} times, after 12, `)),
  );
});

test("--time-limit ends it where nothing can be decided; regressions are confirmed as without", (context) => {
  const noisy = builds(context, { factor: 1, noisePercent: 60 });
  // However many rounds fit: so small a change is never excluded by so noisy ones.
  const out = ab(noisy, "--until-decided", "--threshold", "0.1", "--time-limit", "3s");
  assert.equal(out.code, 5, out.stdout);
  assert.match(out.stdout, /Looked at \d+ times, .*until the time was over/);
  const at = ab(builds(context, { factor: 1 }), "--until-decided", "--time-limit", "1ms");
  assert.equal(at.code, 5, at.stdout);
  assert.match(at.stdout, /Looked at once, after 1 rounds?, until the time was over/);
  const worse = builds(context, { factor: 1.3 });
  const sure = ab(worse, "--until-decided", "--confirm");
  assert.equal(sure.code, 1, sure.stdout);
  assert.match(sure.stdout, /Looked at once, after 12 rounds, until every figure was decided/);
  assert.match(sure.stdout, /confirmed by a second measurement/);
  assert.equal(callsIn(worse.parent).length, 48);
});

test("bad use is refused before anything is measured", (context) => {
  const made = builds(context, { factor: 1 });
  const empty = join(made.parent, "unbuilt");
  mkdirSync(empty);
  writeFileSync(join(empty, "package.json"), JSON.stringify({ name: "slotmark" }));
  for (const [args, message] of [
    [[made.a, empty], /not built.*\nRun node setup\.mjs in .*unbuilt/],
    [[made.a, "no-such-ref"], /no-such-ref is neither a folder with slotmark in it nor a commit/],
    [[made.a, made.b, "--time-limit", "5min"], /--time-limit means nothing without --until-decided/],
    [[made.a, made.b, "--until-decided", "--time-limit", "5 minutes"], /"5 minutes" is not a time/],
    [[made.a, made.b, "--a", "--out x"], /--out means nothing to ab/],
    [[made.a, made.b, "locks", "--resume", "x"], /--resume means nothing to ab/],
    [[made.a, made.b, "--a", "--plug 1; ls"], /--a takes options of run, not what a shell would run: ";"/],
    [[made.a, made.b, "--b", "--member x"], /Use --member-b/],
    [[made.a, made.b, "--env-a", "novalue"], /--env-a takes NAME=VALUE/],
    [[made.a, made.b, "--trials", "0"], /--trials takes a whole number from 1 on/],
    [[made.a], /missing required argument/],
  ] as const) {
    const { code, stderr } = runSlotmark(["ab", ...args]);
    assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, message);
  }
  assert.equal(existsSync(join(made.parent, "calls")), false);
});

/** A repository whose set-up is a copy: what `ab` does around it does not depend on how long it takes. */
function repository(context: TestContext, setUp: string): string {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, "setup.mjs"), setUp);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "slotmark" }));
  const git = (...args: string[]) => execFileSync("git", ["-C", folder, ...args], { stdio: "ignore" });
  git("init", "-b", "main");
  git("add", ".");
  git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-m", "one");
  return folder;
}

const SET_UP = `import fs from "node:fs"; fs.mkdirSync("dist/src", { recursive: true }); fs.writeFileSync("dist/src/main.js", "");`;

test("a commit is checked out, set up by its own set-up, and removed again; or kept and found again", async (context) => {
  const folder = repository(context, SET_UP);
  const commit = commitOfRef(folder, "main") ?? "";
  assert.match(commit, /^[0-9a-f]{40}$/);
  assert.equal(commitOfRef(folder, "--version"), null);
  const { signal } = new AbortController();
  const build = await buildCommit(folder, commit, null, signal);
  assert.ok(build !== null && existsSync(mainOf(build.folder)));
  build.remove();
  assert.equal(existsSync(build.folder), false);

  const kept = join(folder, "builds");
  const first = await buildCommit(folder, commit, kept, signal);
  first?.remove();
  assert.ok(first !== null && existsSync(mainOf(first.folder)));
  writeFileSync(join(first.folder, "setup.mjs"), "process.exit(2)");
  assert.equal((await buildCommit(folder, commit, kept, signal))?.folder, first.folder);
});

test("a set-up that fails says why, and one that is interrupted ends; neither leaves anything", async (context) => {
  const failing = repository(
    context,
    `console.error("first"); console.error("no compiler"); process.exit(2);`,
  );
  const { signal } = new AbortController();
  const commit = commitOfRef(failing, "HEAD") ?? "";
  await assert.rejects(buildCommit(failing, commit, null, signal), {
    code: "build-failed",
    kind: "input",
    message: /cannot be built: no compiler$/,
  });
  const endless = repository(context, "setInterval(() => {}, 1000);");
  const abort = new AbortController();
  const building = buildCommit(endless, commitOfRef(endless, "HEAD") ?? "", null, abort.signal);
  setTimeout(() => abort.abort(), 300);
  assert.equal(await building, null);
  for (const folder of [failing, endless]) {
    const list = execFileSync("git", ["-C", folder, "worktree", "list"], { encoding: "utf8" });
    assert.equal(list.trim().split("\n").length, 1, list);
  }
});

test("this build against itself, really measured", (context) => {
  const out = join(temporaryFolder(context), "out");
  const args = ["--metric", "message_latency_ns:p50", "--trials", "1", "--out", out, "--json"];
  const run = ["messages", "--nodes", "2", "--time", "10ms"];
  const { code, stdout, stderr } = runSlotmark(["ab", REPOSITORY, REPOSITORY, ...run, ...args]);
  assert.equal(code, 5, `one round decides nothing: ${stderr}${stdout}`);
  const { figures } = JSON.parse(stdout);
  assert.ok(
    figures.length > 3 && figures.every(({ reason }: { reason: string }) => reason === "tooFewTrials"),
  );
  const result = readResult(join(out, "a.json"));
  assert.deepEqual([...new Set(result.trials.map(roundOfTrial))], [1]);
  assert.ok(Object.keys(result.histograms).length > 0);
});
