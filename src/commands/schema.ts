/** `slotmark schema scenario|result|calibration|replay`: the JSON Schema of what people and scripts read or write. */
import type { Command } from "commander";
import { z } from "zod";
import { SlotmarkError } from "../errors.js";
import { replayScriptSchema } from "../replay/script.js";
import { calibrationSchema } from "../results/calibration.js";
import { resultSchema } from "../results/schema.js";
import { scenarioFileSchema } from "../scenario/file-schema.js";

const SCHEMAS: Readonly<Record<string, () => object>> = {
  scenario: scenarioFileSchema,
  result: () => z.toJSONSchema(resultSchema),
  calibration: () => z.toJSONSchema(calibrationSchema),
  replay: () => z.toJSONSchema(replayScriptSchema),
};

export function registerSchema(program: Command): void {
  program
    .command("schema")
    .description("print a JSON Schema")
    .argument("<name>", Object.keys(SCHEMAS).join(" | "))
    .action((name: string) => {
      const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined;
      if (schema === undefined) {
        throw new SlotmarkError(
          "usage",
          "schema-unknown",
          `there is no schema "${name}"`,
          `Ask for one of: ${Object.keys(SCHEMAS).join(", ")}.`,
        );
      }
      process.stdout.write(`${JSON.stringify(schema(), null, 2)}\n`);
    });
}
