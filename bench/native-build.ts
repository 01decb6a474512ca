/**
 * Builds the native contestants: the kernels in Rust (`bench/native`) and in C by gcc (`bench/native-c`), each as fast as this CPU goes
 * and the same without automatic vectorisation; gcc also with vectors of 128 bits.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const CRATE = fileURLToPath(new URL("../../bench/native/", import.meta.url));
const C_SOURCES = fileURLToPath(new URL("../../bench/native-c/", import.meta.url));
const RUST_FLAGS = {
  native: "-C target-cpu=native",
  "native-scalar": "-C target-cpu=native -C no-vectorize-loops -C no-vectorize-slp",
} as const;
const GCC_FLAGS = {
  gcc: ["-O3", "-march=native"],
  /** With vectors as long as WebAssembly's. */
  "gcc-128": ["-O3", "-march=native", "-mprefer-vector-width=128"],
  "gcc-scalar": ["-O3", "-march=native", "-fno-tree-vectorize"],
} as const;
export type NativeBuild = keyof typeof RUST_FLAGS | keyof typeof GCC_FLAGS;

/** Path of each build's program. */
export function buildNative(): Record<NativeBuild, string> {
  return {
    native: buildRust("native"),
    "native-scalar": buildRust("native-scalar"),
    gcc: buildC("gcc"),
    "gcc-128": buildC("gcc-128"),
    "gcc-scalar": buildC("gcc-scalar"),
  };
}

/** What each build was made with. */
export function nativeBuilds(): Record<NativeBuild, string> {
  const gcc = firstLineOf("gcc");
  const rustc = firstLineOf("rustc");
  return {
    native: `${rustc}, --release ${RUST_FLAGS.native}`,
    "native-scalar": `${rustc}, --release ${RUST_FLAGS["native-scalar"]}`,
    gcc: `${gcc}, ${GCC_FLAGS.gcc.join(" ")}`,
    "gcc-128": `${gcc}, ${GCC_FLAGS["gcc-128"].join(" ")}`,
    "gcc-scalar": `${gcc}, ${GCC_FLAGS["gcc-scalar"].join(" ")}`,
  };
}

function firstLineOf(compiler: string): string {
  return execFileSync(compiler, ["--version"], { encoding: "utf8" }).split("\n")[0] ?? compiler;
}

function buildFolder(name: NativeBuild): string {
  return fileURLToPath(new URL(`../../build/bench-${name}/`, import.meta.url));
}

function buildRust(name: keyof typeof RUST_FLAGS): string {
  execFileSync("cargo", ["build", "--release", "--locked", "--quiet", "--target-dir", buildFolder(name)], {
    cwd: CRATE,
    env: { ...process.env, RUSTFLAGS: RUST_FLAGS[name] },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return `${buildFolder(name)}release/hotpath-native`;
}

/** @throws Error in one sentence where there is no gcc */
function buildC(name: keyof typeof GCC_FLAGS): string {
  mkdirSync(buildFolder(name), { recursive: true });
  const program = `${buildFolder(name)}hotpath-gcc`;
  const sources = readdirSync(C_SOURCES).filter((file) => file.endsWith(".c"));
  const warnings = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"];
  try {
    execFileSync("gcc", [...GCC_FLAGS[name], ...warnings, ...sources, "-o", program], {
      cwd: C_SOURCES,
      stdio: ["ignore", "inherit", "inherit"],
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error("the comparison needs gcc, which was not found: install it (Debian: apt install gcc)");
  }
  return program;
}
