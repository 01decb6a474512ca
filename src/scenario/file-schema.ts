/** The JSON Schema of a scenario file, for `slotmark schema scenario` and editors: the scenarios', as a file may write them. */
import { z } from "zod";
import { scenarioKinds } from "./schema.js";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Fields whose values are sizes: `64K`. */
export function isSizeField(field: string): boolean {
  return field.endsWith("Bytes") || field === "workingSet";
}

/** Fields whose values are times: `500ms`. */
export function isTimeField(field: string): boolean {
  return field.endsWith("Ms");
}

export function scenarioFileSchema(): JsonSchema {
  const scenarios = scenarioKinds.map((kind) => fileForm(z.toJSONSchema(kind, { io: "input" })));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "slotmark scenario file",
    description:
      "A scenario, or a list of them. What a scenario leaves out comes from the suite named as basedOn.",
    anyOf: [
      { $ref: "#/$defs/scenario" },
      { type: "array", items: { $ref: "#/$defs/scenario" }, minItems: 1 },
    ],
    $defs: { scenario: { anyOf: scenarios } },
  };
}

/** No field is required, lists of one may be single values, sizes and times may be texts. */
function fileForm({ $schema: _, required: __, ...schema }: JsonSchema): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([field, of]) => [
    field,
    widened(field, of),
  ]);
  return {
    ...schema,
    properties: {
      basedOn: {
        type: "string",
        description: "Built-in suite whose values stand where the file says nothing",
      },
      ...Object.fromEntries(properties),
    },
  };
}

function widened(field: string, schema: JsonSchema | boolean): JsonSchema | boolean {
  if (typeof schema === "boolean") return schema;
  const { description, ...bare } = schema;
  const described = description === undefined ? {} : { description };
  if (bare.type === "array" && typeof bare.items === "object" && !Array.isArray(bare.items)) {
    const item = orText(field, bare.items);
    return { ...described, anyOf: [{ ...bare, items: item }, item] };
  }
  return { ...described, ...orText(field, bare) };
}

function orText(field: string, schema: JsonSchema): JsonSchema {
  if (isSizeField(field)) return { anyOf: [schema, { type: "string", pattern: "^[0-9]+[KMGTPkmgtp]?$" }] };
  if (isTimeField(field))
    return { anyOf: [schema, { type: "string", pattern: "^[0-9]+([.][0-9]+)?(ms|s|min|h)$" }] };
  return schema;
}
