/** The guests' kernel: Debian's own package of the version that apt offers, unpacked into a cache and never installed. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SlotmarkError } from "../src/errors.js";
import { outputOf } from "./command.js";

export interface KernelImage {
  /** As `uname -r` prints it: the name of the modules' folder. */
  readonly release: string;
  /** Of Debian's package. */
  readonly version: string;
  readonly imagePath: string;
  /** Holds `lib/modules/RELEASE`, as `modprobe --dirname` wants it. */
  readonly modulesRoot: string;
}

const META_PACKAGE = "linux-image-amd64";

function imageIn(folder: string, release: string, version: string): KernelImage {
  return { release, version, imagePath: join(folder, "boot", `vmlinuz-${release}`), modulesRoot: folder };
}

/** Release and version that apt would install now. */
async function offeredKernel(): Promise<{ release: string; version: string }> {
  const record = await outputOf("apt-cache", ["show", "--no-all-versions", META_PACKAGE]);
  const found = /^Depends:.*\blinux-image-(?<release>\d\S*-amd64) \(= (?<version>[^)]+)\)/m.exec(record);
  const { release, version } = found?.groups ?? {};
  if (release === undefined || version === undefined) {
    throw new SlotmarkError(
      "input",
      "lab-no-kernel-offered",
      `apt offers no kernel: ${META_PACKAGE} names no linux-image package`,
      "Run apt-get update, on a Debian for amd64.",
    );
  }
  return { release, version };
}

/** The unpacked kernel, downloaded into `cacheFolder` where it is not there yet (70 MB; 400 MB unpacked). */
export async function kernelImage(cacheFolder: string): Promise<KernelImage> {
  const { release, version } = await offeredKernel();
  const folder = join(cacheFolder, `linux-${release}-${version}`);
  if (existsSync(folder)) return imageIn(folder, release, version);

  await mkdir(cacheFolder, { recursive: true });
  const unfinished = await mkdtemp(join(cacheFolder, "unfinished-"));
  try {
    await outputOf("apt-get", ["download", "--quiet", `linux-image-${release}=${version}`], unfinished);
    const archive = (await readdir(unfinished)).find((name) => name.endsWith(".deb")) ?? "";
    const tree = join(unfinished, "tree");
    await outputOf("dpkg", ["--extract", join(unfinished, archive), tree]);
    // Debian 13 and later keep modules in /usr/lib, reached through a link that a bare tree lacks.
    if (!existsSync(join(tree, "lib"))) await rename(join(tree, "usr", "lib"), join(tree, "lib"));
    await outputOf("depmod", ["--basedir", tree, release]);
    await rename(tree, folder).catch((error: unknown) => {
      // Another run of the lab may have been first.
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return imageIn(folder, release, version);
}
