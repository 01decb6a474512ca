/** Percentages as scenarios write them: `10%`, of a maximum or of an array. */
import { z } from "zod";

export const percentageSchema = z
  .templateLiteral([z.number(), "%"])
  .refine(
    (text) => percentOf(text) > 0 && percentOf(text) <= 100,
    "expected a percentage above 0% and up to 100%",
  )
  .describe("A percentage above 0 and up to 100, such as 10%");

export type Percentage = z.infer<typeof percentageSchema>;

/** `10%` as 10. */
export function percentOf(percentage: `${number}%`): number {
  return Number(percentage.slice(0, -1));
}
