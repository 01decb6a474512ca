/** A report for a terminal: the answer in words, the figures side by side, then what differs between the machines. */
import { figureLines } from "./model/figure-lines.js";
import type { ReportModel } from "./model/report-model.js";
import { paint, type TerminalStyle, terminalStyle, wrap } from "./terminal-style.js";

/** @returns lines, the last one ended */
export function reportText(model: ReportModel, style: TerminalStyle = terminalStyle(process.stdout)): string {
  const answers = model.answers.flatMap(({ lead, text, cases, unlike }) => [
    wrap(`${paint(lead, "bold", style)}: ${text}`.trimEnd(), style, ""),
    ...cases.map((one) => wrap(one, style, "  ")),
    ...unlike.map((reason) => paint(wrap(`Not like with like: ${reason}.`, style, "  "), "yellow", style)),
  ]);
  return `${[...answers, ...figureLines(model, style), ...factLines(model, style), ...warningLines(model, style)].join("\n")}\n`;
}

function factLines({ machines, facts }: ReportModel, style: TerminalStyle): string[] {
  const width = Math.max(...facts.map(({ name }) => name.length));
  const lines = (differing: boolean) =>
    facts
      .filter(({ differs }) => differs === differing)
      .flatMap(({ name, values }) => {
        const shown = differing
          ? machines.map((machine, index) => `${machine.name}: ${values[index] ?? "not known"}`)
          : [values[0] ?? ""];
        return shown.map((text, index) =>
          wrap(text, style, `  ${(index === 0 ? name : "").padEnd(width)}  `),
        );
      });
  const [different, same] = [lines(true), lines(false)];
  return [
    ...(different.length > 0 ? ["", paint("In what the machines differ", "bold", style), ...different] : []),
    "",
    paint(machines.length > 1 ? "What they have in common" : "The machine", "bold", style),
    ...same,
  ];
}

function warningLines({ warnings }: ReportModel, style: TerminalStyle): string[] {
  if (warnings.length === 0) return [];
  return [
    "",
    paint("Before you believe this", "bold", style),
    ...warnings.map(({ text, machines }) => {
      const whose = machines.length === 0 ? "" : ` (${machines.join("; ")})`;
      return paint(wrap(text + whose, style, "  "), "yellow", style);
    }),
  ];
}
