// Set-up: from a fresh clone to something that runs. `npm start` and `npm test` call it first. Plain Node without
// dependencies, since it works before there are any.
//
// It first looks for everything that it needs and says what is missing; then it takes the steps whose inputs have changed.
// Each step builds beside its output and swaps it in when it has succeeded, so a failed or killed step leaves the old
// output or none. Its talk goes to stderr. Exit codes: 0 done, 2 something is missing or a step failed.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(fileURLToPath(import.meta.url));
const NODE_FLOOR = [20, 17];
/** What the addon's edition and dependencies ask for (`native/Cargo.toml`). */
const RUST_FLOOR = [1, 88];

/** A project of its own: it alone runs in a browser. */
const PAGE_SCRIPT = "src/report/page/browser";

class SetupError extends Error {}

function say(text) {
  process.stderr.write(`${text}\n`);
}

// ---- What must be there -------------------------------------------------------------------------------------------

/** The numbers of "v20.17.0" or "rustc 1.95.0 (…)". */
function versionIn(text) {
  return (/(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []).slice(1, 4).map(Number);
}

function isBelow([major, minor], [floorMajor, floorMinor]) {
  return major < floorMajor || (major === floorMajor && minor < floorMinor);
}

function outputOf(command, ...args) {
  try {
    return execFileSync(command, args, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}

/** One sentence for each thing that is missing; the versions found take part in the fingerprints below. */
function lookForTools() {
  if (process.platform !== "linux") {
    throw new SetupError(`slotmark runs on Linux, and this is ${process.platform}: use a Linux machine.`);
  }
  const missing = [];
  if (isBelow(versionIn(process.version), NODE_FLOOR)) {
    missing.push(
      `slotmark needs Node ${NODE_FLOOR.join(".")} or newer, and this is ${process.version}: install it from https://nodejs.org.`,
    );
  }
  if (outputOf("npm", "--version") === undefined) {
    missing.push(
      "slotmark needs npm, which was not found: install it with Node from https://nodejs.org (Debian: apt install npm).",
    );
  }
  const rustc = outputOf("rustc", "--version");
  const cargo = outputOf("cargo", "--version");
  if (rustc === undefined || cargo === undefined) {
    const what = rustc === undefined ? "rustc" : "cargo";
    missing.push(
      `slotmark needs Rust, and ${what} was not found: install the stable toolchain from https://rustup.rs.`,
    );
  } else if (isBelow(versionIn(rustc), RUST_FLOOR)) {
    missing.push(
      `slotmark needs Rust ${RUST_FLOOR.join(".")} or newer, and this is ${rustc}: install the stable toolchain from https://rustup.rs.`,
    );
  }
  if (outputOf("cc", "--version") === undefined) {
    missing.push(
      "slotmark needs a C compiler to link with, and cc was not found: install gcc (Debian: apt install build-essential).",
    );
  }
  if (missing.length > 0) throw new SetupError(missing.join("\n"));
  return { rustc };
}

// ---- One set-up at a time -----------------------------------------------------------------------------------------

/**
 * Holds an abstract socket named after this folder until the process ends, however it ends: nothing stale can be left.
 * Who finds it taken waits on a connection to it, which the kernel closes with its holder.
 */
function waitForTurn() {
  const name = `\0slotmark-set-up-${createHash("sha256").update(ROOT).digest("hex").slice(0, 32)}`;
  return new Promise((resolve, reject) => {
    let told = false;
    const attempt = () => {
      // Who waits connects and hears of our end; what goes wrong with its connection is no concern of ours.
      const server = createServer((waiting) => waiting.on("error", () => {}));
      server.on("error", (error) => {
        if (error.code !== "EADDRINUSE") return reject(error);
        if (!told) say("set-up: another one is under way in this folder; waiting for it");
        told = true;
        const holder = connect(name);
        // Refused: it has ended in between.
        holder.on("error", () => {});
        holder.on("close", () => setImmediate(attempt));
      });
      server.listen(name, resolve);
    };
    attempt();
  });
}

// ---- Steps --------------------------------------------------------------------------------------------------------

/** Files under a folder whose name ends with one of the endings, sorted; folders of built things are left out. */
function filesUnder(folder, endings) {
  const found = [];
  const skip = new Set(["node_modules", "target", "golden", "build"]);
  const walk = (relative) => {
    for (const entry of readdirSync(join(ROOT, relative), { withFileTypes: true })) {
      const path = `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skip.has(entry.name)) walk(path);
      } else if (endings.some((ending) => entry.name.endsWith(ending))) found.push(path);
    }
  };
  if (existsSync(join(ROOT, folder))) walk(folder);
  return found.sort();
}

/** Of contents, not of times: a checkout back and forth builds nothing anew. */
function fingerprint(files, extra) {
  const hash = createHash("sha256").update(extra);
  for (const file of files) {
    const bytes = readFileSync(join(ROOT, file));
    hash.update(`\0${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function stampOf(step) {
  try {
    return readFileSync(join(ROOT, step.stamp), "utf8");
  } catch {
    return undefined;
  }
}

/** Runs a tool; its output is shown only when it fails. */
function run(command, args, what) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => reject(new SetupError(`${what} could not be started (${error.message}).`)));
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new SetupError(
            `${output.trimEnd()}\n${what} failed (${signal ?? `exit code ${code}`}); its output stands above.`,
          ),
        );
    });
  });
}

function remove(path) {
  rmSync(join(ROOT, path), { recursive: true, force: true });
}

function bin(packagePath) {
  return join(ROOT, "node_modules", packagePath);
}

function steps(tools) {
  const { include } = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8"));
  const { dependencies, devDependencies, optionalDependencies, napi } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  return [
    {
      name: "packages",
      says: "installing packages (npm ci)",
      inputs: ["package-lock.json", ".npmrc"],
      extra: JSON.stringify([process.version, dependencies, devDependencies, optionalDependencies]),
      outputs: ["node_modules/typescript"],
      stamp: "node_modules/.slotmark-stamp",
      async build() {
        try {
          await run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], "npm ci");
        } catch (error) {
          remove("node_modules");
          throw error;
        }
      },
    },
    {
      name: "addon",
      says: "building the native addon (Rust)",
      inputs: ["package-lock.json", ...filesUnder("native", [".rs", ".toml", ".lock"])],
      extra: JSON.stringify([process.version, tools.rustc, napi]),
      outputs: ["native/slotmark.node"],
      stamp: "build/stamps/addon",
      async build() {
        const command = [
          bin("@napi-rs/cli/dist/cli.js"),
          "build",
          "--release",
          "--cwd",
          join(ROOT, "native"),
        ];
        const config = ["--package-json-path", "../package.json", "--output-dir", join(ROOT, "build/addon")];
        const output = ["--no-js", "--dts", "index.d.ts", "--", "--locked"];
        await run(process.execPath, [...command, ...config, ...output], "Building the native addon");
        // A rename, since a running slotmark has the old file mapped.
        renameSync(join(ROOT, "build/addon/slotmark.node"), join(ROOT, "native/slotmark.node"));
      },
    },
    {
      name: "wasm",
      says: "compiling the hot path (AssemblyScript)",
      inputs: ["package-lock.json", ...filesUnder("assembly", [".ts", ".json"])],
      extra: "",
      outputs: ["build/hotpath.wasm"],
      stamp: "build/stamps/wasm",
      async build() {
        const next = "build/hotpath-next.wasm";
        const options = ["--config", "assembly/asconfig.json", "--outFile", next];
        await run(process.execPath, [bin("assemblyscript/bin/asc.js"), ...options], "Compiling the hot path");
        renameSync(join(ROOT, next), join(ROOT, "build/hotpath.wasm"));
      },
    },
    {
      name: "typescript",
      says: "compiling TypeScript",
      inputs: [
        "package-lock.json",
        "tsconfig.json",
        `${PAGE_SCRIPT}/tsconfig.json`,
        ...include.flatMap((pattern) => filesUnder(pattern.split("/")[0], [".ts"])),
      ],
      extra: "",
      outputs: ["dist/src/main.js"],
      stamp: "dist/.slotmark-stamp",
      async build() {
        const next = "build/dist-next";
        remove(next);
        // A whole compilation beside the old one: no output of a file that is gone stays behind.
        const options = ["--outDir", next, "--noEmitOnError", "--incremental", "false"];
        await run(process.execPath, [bin("typescript/bin/tsc"), ...options], "Compiling TypeScript");
        const page = ["--project", PAGE_SCRIPT, ...options];
        await run(
          process.execPath,
          [bin("typescript/bin/tsc"), ...page],
          "Compiling the report's page script",
        );
        // For `npm link`: the compiler knows no executable files.
        chmodSync(join(ROOT, next, "src/main.js"), 0o755);
        remove("build/dist-old");
        if (existsSync(join(ROOT, "dist"))) renameSync(join(ROOT, "dist"), join(ROOT, "build/dist-old"));
        renameSync(join(ROOT, next), join(ROOT, "dist"));
        remove("build/dist-old");
      },
    },
  ];
}

async function take(step) {
  const wanted = fingerprint(step.inputs, step.extra);
  if (stampOf(step) === wanted && step.outputs.every((path) => existsSync(join(ROOT, path)))) return;
  say(`set-up: ${step.says}`);
  remove(step.stamp);
  mkdirSync(join(ROOT, "build/stamps"), { recursive: true });
  await step.build();
  writeFileSync(join(ROOT, step.stamp), wanted);
}

/** Whoever runs this code trusts its folder already, whosever it is. */
const OWN_FOLDER = ["-c", "safe.directory=*"];

/** For copies of the built tree that leave the repository behind. */
function noteCommit() {
  const commit = existsSync(join(ROOT, ".git"))
    ? outputOf("git", ...OWN_FOLDER, "rev-parse", "HEAD")
    : undefined;
  if (commit === undefined) return;
  const changed = outputOf("git", ...OWN_FOLDER, "status", "--porcelain", "--untracked-files=no") !== "";
  writeFileSync(
    join(ROOT, "build/commit.json"),
    `${JSON.stringify({ commit: `${commit}${changed ? "+changes" : ""}` })}\n`,
  );
}

try {
  const tools = lookForTools();
  await waitForTurn();
  // Listed after the turn has come: the one before may have changed what there is to do.
  for (const step of steps(tools)) await take(step);
  noteCommit();
  // Ends the turn: the socket is open still, with those who wait on it.
  process.exit(0);
} catch (error) {
  say(error instanceof SetupError ? error.message : `set-up failed: ${error.message}`);
  process.exit(2);
}
