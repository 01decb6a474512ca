/** Builds `bench/native` twice: as fast as this CPU goes, and the same without automatic vectorisation. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const CRATE = fileURLToPath(new URL("../../bench/native/", import.meta.url));
const BUILDS = {
  native: "-C target-cpu=native",
  "native-scalar": "-C target-cpu=native -C no-vectorize-loops -C no-vectorize-slp",
} as const;
export type NativeBuild = keyof typeof BUILDS;

/** Path of each build's program. */
export function buildNative(): Record<NativeBuild, string> {
  const build = (name: NativeBuild): string => {
    const target = fileURLToPath(new URL(`../../build/bench-${name}/`, import.meta.url));
    execFileSync("cargo", ["build", "--release", "--locked", "--quiet", "--target-dir", target], {
      cwd: CRATE,
      env: { ...process.env, RUSTFLAGS: BUILDS[name] },
      stdio: ["ignore", "inherit", "inherit"],
    });
    return `${target}release/hotpath-native`;
  };
  return { native: build("native"), "native-scalar": build("native-scalar") };
}
