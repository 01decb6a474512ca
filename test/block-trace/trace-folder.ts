/** Trace files of a test's own, gone afterwards, and what was read of them. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import type { EventFile } from "../../src/block-trace/event-block.js";
import { eventBlock } from "../../src/block-trace/event-block.js";
import { EventReader } from "../../src/block-trace/event-reader.js";
import { PreparedTrace, type PrepareOptions } from "../../src/block-trace/prepared-trace.js";

export function traceFolder(context: TestContext): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), "slotmark-trace-test-"));
  context.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function traceFile(context: TestContext, text: string | Uint8Array, name = "a.log"): string {
  const file = path.join(traceFolder(context), name);
  fs.writeFileSync(file, text);
  return file;
}

/** Closed after the test. */
export async function prepared(
  context: TestContext,
  file: string,
  options: Partial<PrepareOptions> = {},
): Promise<PreparedTrace> {
  const trace = await PreparedTrace.prepare(file, { folder: path.dirname(file), ...options });
  context.after(() => trace.close());
  return trace;
}

/** An event as sector, sectors, time in ns. */
export type PlainEvent = readonly [sector: number, sectors: number, timeNs: number];

export function eventsOf(file: EventFile, most = 1000): PlainEvent[] {
  const reader = new EventReader(file);
  const { sector, sectors, timeNs } = eventBlock();
  const events: PlainEvent[] = [];
  while (!reader.atEnd) {
    const count = reader.read(sector, sectors, timeNs, 0, most);
    for (let at = 0; at < count; at++) events.push([sector[at] ?? -1, sectors[at] ?? -1, timeNs[at] ?? -1]);
  }
  return events;
}

export const ALONE = { nodes: 1, overlap: false, stripeSectors: 2048 };
