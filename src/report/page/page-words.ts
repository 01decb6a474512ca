/** The page's words: the answer and the warnings first, and what the machines are last. */
import type { ReportModel } from "../model/report-model.js";
import { html } from "./html-text.js";

export function answersHtml({ answers, warnings }: ReportModel): string {
  const items = answers.map(({ lead, text, cases, unlike }) => {
    const marks = unlike
      .map((reason) => `<span class="unlike">† Not like with like. ${html(reason)}.</span>`)
      .join("");
    const list = cases.length === 0 ? "" : `<ul>${cases.map((one) => `<li>${html(one)}</li>`).join("")}</ul>`;
    return `<li><strong>${html(lead)}</strong> ${html(text)}${list}${marks}</li>`;
  });
  const none = `<p>There is nothing to compare in these results; the figures are below.</p>`;
  const list = items.length === 0 ? none : `<ul class="answers">${items.join("\n")}</ul>`;
  if (warnings.length === 0) return list;
  const notes = warnings.map(({ text, machines }) => {
    const whose = machines.length === 0 ? "" : ` (${machines.join("; ")})`;
    return `<li class="note">${html(text + whose)}</li>`;
  });
  return `${list}<h3>Before you believe this</h3><ul class="answers">${notes.join("\n")}</ul>`;
}

export function environmentsHtml({ machines, facts }: ReportModel): string {
  const different = facts.filter(({ differs }) => differs);
  const same = facts.filter(({ differs }) => !differs);
  const heads = different.map(({ name }) => `<th scope="col" class="word">${html(name)}`).join("");
  const rows = machines.map(({ name }, index) => {
    const cells = different.map(({ values }) => `<td class="word">${html(values[index] ?? "–")}`).join("");
    return `<tr><th scope="row">${html(name)}${cells}`;
  });
  const table =
    different.length === 0
      ? ""
      : `<h3 id="facts-title">In what the machines differ</h3><div class="scroll" tabindex="0" role="region" aria-labelledby="facts-title">` +
        `<table class="facts" id="facts"><thead><tr><th scope="col" class="word">Machine${heads}</thead><tbody>${rows.join("")}</tbody></table></div>`;
  const pairs = same.map(({ name, values }) => `<dt>${html(name)}</dt><dd>${html(values[0] ?? "")}</dd>`);
  const title = machines.length > 1 ? "What they have in common" : "The machine";
  const files = machines.map(
    ({ name, files: own }) => `<dt>${html(name)}</dt><dd>${html(own.join(", "))}</dd>`,
  );
  return `${table}<h3>${title}</h3><dl>${pairs.join("")}</dl><h3>Result files</h3><dl>${files.join("")}</dl>`;
}
