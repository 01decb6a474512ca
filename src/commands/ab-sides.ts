/** The two sides of `ab`: which build each is, what its runs get beside the common arguments, and in what the two differ on purpose. */
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parse } from "shell-quote";
import type { Difference } from "../compare/comparability.js";
import { SlotmarkError } from "../errors.js";
import { commitOfRef, mainOf } from "./git-build.js";
import { refuseRunOptions } from "./run-arguments.js";

/** Of one side, as the command line has them. */
export interface SideOptions {
  /** A folder with a build, or a git ref. */
  readonly build: string;
  /** Options of `run`, as a shell takes them: what holds spaces in quotes. */
  readonly settings: string;
  readonly members: readonly string[];
  /** NAME=VALUE. */
  readonly environment: readonly string[];
}

export interface Side {
  readonly name: string;
  readonly build: { readonly folder: string } | { readonly commit: string };
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What rounds decide themselves, and what runs in vain where each is a process of its own. */
export const DECIDED_BY_AB: readonly string[] = ["out", "resume", "list", "trace", "trials", "seed"];

/** @throws SlotmarkError `build-not-set-up`, `build-unknown` (input), `option-invalid` (usage) */
export function sideOf(letter: "A" | "B", options: SideOptions, repository: string): Side {
  const settings = wordsOf(letter, options.settings);
  refuseRunOptions("ab", settings, DECIDED_BY_AB);
  refuseMembers(letter, settings);
  const build = buildOf(options.build, repository);
  const what = "commit" in build ? `${options.build} (${build.commit.slice(0, 12)})` : options.build;
  const given = [options.settings.trim(), ...options.members, ...options.environment];
  const name = [letter, what, ...given].filter((text) => text !== "").join(" ");
  return {
    name,
    build,
    args: [...settings, ...options.members.flatMap((member) => ["--member", member])],
    environment: Object.fromEntries(options.environment.map((text) => variableOf(letter, text))),
  };
}

/** Of results of these two sides: in what they may differ. Disturbances strike both alike, since they run by turns. */
export function variedKinds(a: SideOptions, b: SideOptions): Set<Difference["kind"]> {
  const varied = new Set<Difference["kind"]>(["disturbance"]);
  if (wordsOf("A", a.settings).join("\0") !== wordsOf("B", b.settings).join("\0"))
    varied.add("scenario").add("backend");
  if (a.members.join("\0") !== b.members.join("\0")) varied.add("device");
  if (a.members.length !== b.members.length) varied.add("scenario");
  return varied;
}

function wordsOf(letter: "A" | "B", text: string): string[] {
  return parse(text, (variable) => `$${variable}`).map((word) => {
    if (typeof word === "string") return word;
    if ("op" in word && word.op === "glob") return word.pattern;
    const option = `--${letter.toLowerCase()}`;
    throw usage(
      `${option} takes options of run, not what a shell would run: ${JSON.stringify("op" in word ? word.op : `#${word.comment}`)} in ${JSON.stringify(text)}`,
      "Put quotes around it if it is part of a name.",
    );
  });
}

function refuseMembers(letter: "A" | "B", settings: readonly string[]): void {
  if (!settings.some((word) => /^--member(=|$)/.test(word))) return;
  const own = `--member-${letter.toLowerCase()}`;
  throw usage(
    `--member in --${letter.toLowerCase()}: a side's members have an option of their own`,
    `Use ${own}.`,
  );
}

function variableOf(letter: "A" | "B", text: string): [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  const option = `--env-${letter.toLowerCase()}`;
  throw usage(
    `${option} takes NAME=VALUE, not ${JSON.stringify(text)}`,
    `Try ${option} UV_THREADPOOL_SIZE=8.`,
  );
}

function usage(message: string, remedy: string): SlotmarkError {
  return new SlotmarkError("usage", "option-invalid", message, remedy);
}

/** A folder that holds slotmark counts before a ref of the same name. */
function buildOf(text: string, repository: string): Side["build"] {
  const folder = path.resolve(text);
  const isFolder = existsSync(folder) && statSync(folder).isDirectory();
  if (isFolder && existsSync(mainOf(folder))) return { folder };
  if (isFolder && isSlotmark(folder)) {
    throw new SlotmarkError(
      "input",
      "build-not-set-up",
      `${text}: slotmark is there, but not built (${mainOf(folder)} is missing)`,
      `Run node setup.mjs in ${folder}, then try again.`,
    );
  }
  const commit = commitOfRef(repository, text);
  if (commit !== null) return { commit };
  throw new SlotmarkError(
    "input",
    "build-unknown",
    `${text} is neither a folder with slotmark in it nor a commit, branch or tag of ${repository}`,
    "Name a folder in which node setup.mjs has been run, or a git ref; . is the folder that you are in.",
  );
}

function isSlotmark(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")).name === "slotmark";
  } catch {
    return false;
  }
}
