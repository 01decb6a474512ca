/**
 * Set-up in a small project of its own, with tools that only note that they were called and make the files that the real
 * ones would make: what is tested is when each step is taken, and what a failure leaves.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "../results/temporary-folder.js";
import { REPOSITORY } from "./run-slotmark.js";

const VERSIONS = { rustc: "rustc 1.95.0 (abc 2026-01-01)", cargo: "cargo 1.95.0", cc: "cc 12.2.0" };

/** A stand-in for a build tool: notes its name, fails where `fail-NAME` exists, else writes its output. */
function standIn(name: string, output: string): string {
  return `
    const fs = require("node:fs"), path = require("node:path");
    // The page's script is compiled by a second call, into the same place.
    if (process.argv.includes("--project")) process.exit();
    fs.appendFileSync("calls.txt", "${name}\\n");
    const output = ${output};
    fs.mkdirSync(path.dirname(output), { recursive: true });
    fs.writeFileSync(output, "half");
    if (fs.existsSync("fail-${name}")) { console.error("${name} says why"); process.exit(7); }
    fs.writeFileSync(output, "whole " + fs.readFileSync("src/main.ts", "utf8"));`;
}

const valueAfter = (option: string) => `process.argv[process.argv.indexOf("${option}") + 1]`;
const BUILD_TOOLS = {
  "@napi-rs/cli/dist/cli.js": standIn("napi", `path.join(${valueAfter("--output-dir")}, "slotmark.node")`),
  "assemblyscript/bin/asc.js": standIn("asc", valueAfter("--outFile")),
  "typescript/bin/tsc": standIn("tsc", `path.join(${valueAfter("--outDir")}, "src/main.js")`),
};

class Project {
  readonly folder: string;
  readonly tools: string;

  constructor(context: TestContext) {
    this.folder = temporaryFolder(context);
    this.tools = temporaryFolder(context);
    copyFileSync(join(REPOSITORY, "setup.mjs"), join(this.folder, "setup.mjs"));
    this.write("package.json", "{}");
    this.write("package-lock.json", "{}");
    this.write(".npmrc", "");
    this.write("tsconfig.json", '{"include": ["src/**/*.ts", "lab/**/*.ts"]}');
    this.write("src/report/page/browser/tsconfig.json", "{}");
    this.write("src/main.ts", "first");
    this.write("native/src/lib.rs", "");
    this.write("assembly/asconfig.json", "{}");
    symlinkSync(process.execPath, join(this.tools, "node"));
    for (const [name, version] of Object.entries(VERSIONS)) this.tool(name, `#!/bin/sh\necho '${version}'\n`);
    this.tool(
      "npm",
      `#!${process.execPath}
      const fs = require("node:fs"), path = require("node:path");
      if (process.argv[2] === "--version") { console.log("10.0.0"); process.exit(); }
      fs.appendFileSync("calls.txt", "npm\\n");
      fs.rmSync("node_modules", { recursive: true, force: true });
      for (const [name, text] of Object.entries(${JSON.stringify(BUILD_TOOLS)})) {
        fs.mkdirSync(path.join("node_modules", path.dirname(name)), { recursive: true });
        fs.writeFileSync(path.join("node_modules", name), text);
      }
      if (fs.existsSync("fail-npm")) { console.error("npm says why"); process.exit(1); }`,
    );
  }

  tool(name: string, text: string): void {
    writeFileSync(join(this.tools, name), text);
    chmodSync(join(this.tools, name), 0o755);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  has(path: string): boolean {
    return existsSync(join(this.folder, path));
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true, force: true });
  }

  start(preload?: string): ChildProcess {
    const options =
      preload === undefined ? [] : ["--import", `data:text/javascript,${encodeURIComponent(preload)}`];
    return spawn(process.execPath, [...options, join(this.folder, "setup.mjs")], {
      env: { PATH: this.tools },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async setUp(preload?: string): Promise<{ code: number; stdout: string; stderr: string }> {
    const child = this.start(preload);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    const code = await new Promise<number>((resolve) => child.on("close", resolve));
    return { code, stdout, stderr };
  }

  /** Build tools called since the last time this was asked. */
  calls(): string[] {
    if (!this.has("calls.txt")) return [];
    const calls = this.read("calls.txt").trim().split("\n");
    this.remove("calls.txt");
    return calls;
  }
}

for (const [tool, sentence] of [
  ["npm", /^slotmark needs npm, [^\n]*install [^\n]+\n$/],
  ["rustc", /^slotmark needs Rust, and rustc [^\n]*https:\/\/rustup\.rs\.\n$/],
  ["cargo", /^slotmark needs Rust, and cargo [^\n]*https:\/\/rustup\.rs\.\n$/],
  ["cc", /^slotmark needs a C compiler [^\n]*build-essential\)\.\n$/],
] as const) {
  test(`without ${tool}: one sentence that says what to install, exit 2, nothing built`, async (context) => {
    const project = new Project(context);
    const before = readdirSync(project.folder);
    rmSync(join(project.tools, tool));
    const { code, stdout, stderr } = await project.setUp();
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, sentence);
    assert.deepEqual(readdirSync(project.folder), before);
  });
}

test("a Node or a Rust that is too old is a sentence that says both versions", async (context) => {
  const project = new Project(context);
  const before = readdirSync(project.folder);
  const old = await project.setUp(`Object.defineProperty(process, "version", { value: "v20.16.9" });`);
  assert.equal(old.code, 2);
  assert.match(
    old.stderr,
    /^slotmark needs Node 20\.17 or newer, and this is v20\.16\.9: install it [^\n]+\n$/,
  );
  project.tool("rustc", "#!/bin/sh\necho 'rustc 1.63.0'\n");
  const rust = await project.setUp();
  assert.equal(rust.code, 2);
  assert.match(
    rust.stderr,
    /^slotmark needs Rust 1\.88 or newer, and this is rustc 1\.63\.0: install [^\n]+\n$/,
  );
  assert.deepEqual(readdirSync(project.folder), before);
});

test("each step is taken once, and again only when its inputs have changed or its output is gone", async (context) => {
  const project = new Project(context);
  const first = await project.setUp();
  assert.equal(first.stderr, first.stderr.replace(/^(?!set-up: ).*$/gm, ""), "only set-up talk");
  assert.deepEqual({ code: first.code, stdout: first.stdout }, { code: 0, stdout: "" });
  assert.deepEqual(project.calls(), ["npm", "napi", "asc", "tsc"]);

  assert.deepEqual(await project.setUp(), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(project.calls(), []);

  project.write("src/main.ts", "second");
  await project.setUp();
  assert.deepEqual(project.calls(), ["tsc"]);
  assert.equal(project.read("dist/src/main.js"), "whole second");

  project.write("lab/main.ts", "");
  await project.setUp();
  assert.deepEqual(project.calls(), ["tsc"]);

  project.write("native/src/lib.rs", "// more");
  await project.setUp();
  assert.deepEqual(project.calls(), ["napi"]);

  project.remove("build/hotpath.wasm");
  await project.setUp();
  assert.deepEqual(project.calls(), ["asc"]);

  project.write("package.json", '{"dependencies": {"zod": "4.6.7"}}');
  await project.setUp();
  assert.deepEqual(project.calls(), ["npm"]);

  project.write("package.json", '{"dependencies": {"zod": "4.6.7"}, "scripts": {}}');
  await project.setUp();
  assert.deepEqual(project.calls(), []);
});

test("an output whose source is gone does not stay behind", async (context) => {
  const project = new Project(context);
  await project.setUp();
  project.write("dist/test/gone.test.js", "");
  project.write("src/main.ts", "second");
  await project.setUp();
  assert.equal(project.has("dist/test/gone.test.js"), false);
});

for (const [tool, output] of [
  ["npm", "node_modules"],
  ["napi", "native/slotmark.node"],
  ["asc", "build/hotpath.wasm"],
  ["tsc", "dist/src/main.js"],
] as const) {
  test(`where ${tool} fails: its output, one sentence, exit 2, nothing half built; then it is tried again`, async (context) => {
    const project = new Project(context);
    project.write(`fail-${tool}`, "");
    const failed = await project.setUp();
    assert.equal(failed.code, 2);
    assert.match(
      failed.stderr,
      new RegExp(`\\n${tool} says why\\n[^\\n]+ failed \\(exit code \\d\\)[^\\n]+\\n$`),
    );
    assert.equal(project.has(output), false);
    project.remove(`fail-${tool}`);
    project.calls();
    assert.equal((await project.setUp()).code, 0);
    assert.ok(project.calls().includes(tool));
    assert.ok(project.has(output));
  });
}

test("a compilation that fails leaves the old output whole", async (context) => {
  const project = new Project(context);
  await project.setUp();
  project.write("src/main.ts", "second");
  project.write("fail-tsc", "");
  assert.equal((await project.setUp()).code, 2);
  assert.equal(project.read("dist/src/main.js"), "whole first");
});

test("called several times at once, each step is still taken once", async (context) => {
  const project = new Project(context);
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => project.setUp()));
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  assert.deepEqual(project.calls(), ["npm", "napi", "asc", "tsc"]);
});

test("a set-up that is killed holds nobody up, and what it began is done again", async (context) => {
  const project = new Project(context);
  const hanging = BUILD_TOOLS["typescript/bin/tsc"]
    .replace('fs.existsSync("fail-tsc")', "true")
    .replace(
      /console\.error.*process\.exit\(7\);/,
      `console.log("hanging"); if (fs.existsSync("hang")) { fs.writeFileSync("hangs", ""); setInterval(() => { if (!fs.existsSync("hang")) process.exit(); }, 20); return; }`,
    );
  await project.setUp();
  project.write("node_modules/typescript/bin/tsc", hanging);
  project.write("src/main.ts", "second");
  project.write("hang", "");
  const child = project.start();
  while (!project.has("hangs")) await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("close", resolve));
  project.remove("hang");
  project.calls();
  assert.equal((await project.setUp()).code, 0);
  assert.deepEqual(project.calls(), ["tsc"]);
  assert.equal(project.read("dist/src/main.js"), "whole second");
});
