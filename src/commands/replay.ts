/** `slotmark replay SCRIPT.json`: a scripted workload in virtual time; prints the page writes that the bitmap causes. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import type { KernelBehaviour, Variant } from "../ondisk/slot-geometry.js";
import { asCsv, asJson } from "../replay/format.js";
import { readScript } from "../replay/read-script.js";
import { replayScript } from "../replay/replay-script.js";

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .argument("<SCRIPT.json>", "writes, or md's calls, with their times")
    .description("a scripted workload in virtual time: which writes does the bitmap cause?")
    .addOption(
      new Option("--variant <name>", "whose bitmap")
        .choices(["safe", "mainline", "original"])
        .default("safe"),
    )
    .addOption(
      new Option("--kernel <version>", "which kernel").choices(["6.1", "mainline"]).default("mainline"),
    )
    .option("--json", "print an array of objects instead of CSV")
    .action(replay);
}

async function replay(
  path: string,
  options: { readonly variant: Variant; readonly kernel: KernelBehaviour },
  command: Command,
): Promise<void> {
  const { variant, kernel } = options;
  const script = await readScript(path, { variant, kernel });
  const writes = replayScript(script, { variant, kernel });
  const text = command.optsWithGlobals().json === true ? asJson(writes) : asCsv(writes);
  await pipeline(Readable.from(text, { objectMode: true, highWaterMark: 1 }), process.stdout, { end: false });
}
