/** Text, data and scripts in HTML: whatever a result says stays text. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** For an element's text and for an attribute's value in quotes. */
export function html(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? mark);
}

/** JSON for the page's script, compressed: base64 holds nothing that could end the element. The same value gives the same text. */
export function embeddedData(value: unknown): string {
  return gzipSync(JSON.stringify(value), { level: 9 }).toString("base64");
}

/** A script of ours as an element's text. @throws Error where it would end its element (a defect) */
export function embeddedScript(text: string): string {
  if (/<\/script|<!--/i.test(text)) throw new Error("a script of the page holds its element's end");
  return text;
}

/** As a content security policy names a script or style. */
export function contentHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
