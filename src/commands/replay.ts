/** `slotmark replay SCRIPT.json`: a scripted workload in virtual time; prints the page writes that the bitmap causes. */
import { type Command, Option } from "commander";
import type { KernelBehaviour, Variant } from "../ondisk/slot-geometry.js";
import { asCsv, asJson } from "../replay/format.js";
import { readScript } from "../replay/read-script.js";
import { replayScript } from "../replay/replay-script.js";
import { printPieces } from "./print-pieces.js";

interface ReplayFlags {
  readonly variant: Variant;
  readonly kernel: KernelBehaviour;
  readonly json?: boolean;
}

export function registerReplay(program: Command): void {
  program
    .command("replay")
    .description("a scripted workload in virtual time: which writes does the bitmap cause?")
    .argument("<script>", "JSON: application writes, or md's own calls, with their times")
    .addOption(
      new Option("--variant <name>", "whose bitmap")
        .choices(["safe", "mainline", "original"])
        .default("safe"),
    )
    .addOption(
      new Option("--kernel <version>", "which kernel").choices(["6.1", "mainline"]).default("mainline"),
    )
    .action(async (path: string, _options: unknown, command: Command) => {
      const { variant, kernel, json } = command.optsWithGlobals<ReplayFlags>();
      const script = await readScript(path, { variant, kernel });
      const writes = replayScript(script, { variant, kernel });
      await printPieces(json ? asJson(writes) : asCsv(writes));
    });
}
