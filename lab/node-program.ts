/** Node itself with slotmark's compiled files for the guests: what slotmark does on a machine of a real cluster. */
import { constants } from "node:fs";
import { copyFile, cp, mkdir, readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { outputOf } from "./command.js";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** Puts this process's own Node, its libraries and what `node setup.mjs` built into the shared folder (120 MB). */
export async function addNode(sharedFolder: string): Promise<void> {
  const libraries = join(sharedFolder, "lib");
  const slotmark = join(sharedFolder, "slotmark");
  await mkdir(libraries);
  await mkdir(join(slotmark, "native"), { recursive: true });
  const node = await realpath(process.execPath);
  await copyFile(node, join(sharedFolder, "node"), constants.COPYFILE_FICLONE);
  for (const [, library = ""] of (await outputOf("ldd", [node])).matchAll(/=> (\/\S+)/g)) {
    await copyFile(library, join(libraries, basename(library)));
  }
  await mkdir(join(slotmark, "build"));
  for (const path of ["package.json", join("native", "slotmark.node"), join("build", "hotpath.wasm")]) {
    await copyFile(join(REPOSITORY, path), join(slotmark, path));
  }
  await cp(join(REPOSITORY, "dist"), join(slotmark, "dist"), { recursive: true });
  await copyPackages(slotmark);
}

/** What slotmark's own files import at run time, and what that imports in its turn. */
async function copyPackages(slotmark: string): Promise<void> {
  const copied = new Set<string>();
  const wanted = await dependenciesOf(REPOSITORY);
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (copied.has(name)) continue;
    copied.add(name);
    const folder = join("node_modules", name);
    await cp(join(REPOSITORY, folder), join(slotmark, folder), { recursive: true });
    wanted.push(...(await dependenciesOf(join(REPOSITORY, folder))));
  }
}

async function dependenciesOf(folder: string): Promise<string[]> {
  const { dependencies = {} }: { dependencies?: Record<string, string> } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  return Object.keys(dependencies);
}

/** The command by which a guest runs slotmark. */
export function slotmarkCommand(...args: readonly string[]): string {
  return [nodeCommand("src/main.js"), ...args].join(" ");
}

/** The command by which a guest runs a compiled file, given by its path in `dist/`. */
export function nodeCommand(script: string): string {
  return `LD_LIBRARY_PATH=/share/lib /share/node /share/slotmark/dist/${script}`;
}
