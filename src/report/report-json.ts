/** A report as JSON: machines, answers, every table's samples, what differs, warnings. */
import type { ReportModel } from "./model/report-model.js";

export function reportJson({ machines, answers, tables, facts, warnings }: ReportModel): unknown {
  return {
    machines: machines.map(({ name, files, resultOfSuite }) => ({
      name,
      files,
      suites: [...resultOfSuite.keys()],
    })),
    answers,
    tables,
    facts,
    warnings,
  };
}
