/** What a report says, before it is text, a page or pictures: machines, tables, warnings, and what is not like with like. */
import { againstChart, type ComparedRow } from "../charts/against-chart.js";
import { allCharts } from "../charts/all-charts.js";
import type { ChartSpec } from "../charts/chart-spec.js";
import { type Answer, answersOf } from "./answer.js";
import { comparedRows } from "./compared-rows.js";
import { type FigureTable, figureTable } from "./figure-table.js";
import { type MachineFact, machineFacts } from "./machine-facts.js";
import { type Machine, machinesOf, type NamedResult } from "./machine-list.js";
import { TABLES } from "./table-definitions.js";

export interface ReportModel {
  readonly machines: readonly Machine[];
  readonly answers: readonly Answer[];
  readonly charts: readonly ChartSpec[];
  /** What the first of the charts of several machines shows, for any baseline. */
  readonly compared: readonly ComparedRow[];
  readonly facts: readonly MachineFact[];
  readonly tables: readonly FigureTable[];
  readonly warnings: readonly MachineWarning[];
}

export interface MachineWarning {
  readonly code: string;
  readonly text: string;
  /** Names of the machines that it is about; empty: of all. */
  readonly machines: readonly string[];
}

/** Pure: the same results give the same report. */
export function reportModel(named: readonly NamedResult[]): ReportModel {
  const machines = machinesOf(named);
  const tables = TABLES.map((definition) => figureTable(machines, definition)).filter(
    (table) => table !== null,
  );
  const compared = comparedRows(tables, machines.length);
  const names = machines.map(({ name }) => name);
  return {
    machines,
    answers: answersOf(machines, tables),
    charts: [...(compared.length > 0 ? [againstChart(compared, names, 0)] : []), ...allCharts(machines)],
    compared,
    tables,
    facts: machineFacts(machines),
    warnings: warningsOf(machines),
  };
}

function warningsOf(machines: readonly Machine[]): MachineWarning[] {
  const found = new Map<string, { code: string; text: string; machines: Set<string> }>();
  for (const { name, results } of machines) {
    for (const { code, text } of results.flatMap(({ warnings }) => warnings)) {
      const key = JSON.stringify([code, text]);
      const warning = found.get(key) ?? { code, text, machines: new Set() };
      found.set(key, warning);
      warning.machines.add(name);
    }
  }
  return [...found.values()].map(({ code, text, machines: names }) => ({
    code,
    text,
    machines: names.size === machines.length ? [] : [...names],
  }));
}
