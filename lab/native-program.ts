/** Programs of the crate `native/`, built here for the guests, which take them from the shared folder. */
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SlotmarkError } from "../src/errors.js";
import { outputOf } from "./command.js";

/** dist/lab/ → native/. */
const CRATE = fileURLToPath(new URL("../../native", import.meta.url));

/** Builds a test program or an example and puts it into the folder, under its own name. */
export async function buildNativeProgram(
  kind: "test" | "example",
  name: string,
  sharedFolder: string,
): Promise<void> {
  const command = kind === "test" ? ["test", "--no-run"] : ["build"];
  const built = await outputOf(
    "cargo",
    [...command, "--locked", "--quiet", `--${kind}`, name, "--message-format", "json"],
    CRATE,
  );
  const line = built.split("\n").find((candidate) => candidate.includes(`"name":"${name}"`)) ?? "";
  const path = /"executable":"(?<path>[^"]+)"/.exec(line)?.groups?.path;
  if (path === undefined) {
    throw new SlotmarkError(
      "defect",
      "lab-no-native-program",
      `cargo named no program of ${name}`,
      "Run cargo by hand to see what it says.",
    );
  }
  await copyFile(path, join(sharedFolder, name));
}
