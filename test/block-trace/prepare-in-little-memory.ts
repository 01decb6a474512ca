/** Prepares a trace in a process of its own, reads all events of 4 nodes, and prints what there was and the memory it took. */
import { eventBlock } from "../../src/block-trace/event-block.js";
import { EventReader } from "../../src/block-trace/event-reader.js";
import { PreparedTrace } from "../../src/block-trace/prepared-trace.js";
import { TouchedBlocks } from "../../src/storage/touched-blocks.js";

const [file = "", folder = ""] = process.argv.slice(2);
const trace = await PreparedTrace.prepare(file, { folder, touched: new TouchedBlocks() });
let sum = 0;
let events = 0;
for (const one of await trace.forNodes({ nodes: 4, overlap: false, stripeSectors: 2048 })) {
  const reader = new EventReader(one);
  const { sector, sectors, timeNs } = eventBlock();
  while (!reader.atEnd) {
    const count = reader.read(sector, sectors, timeNs, 0, 1000);
    for (const length of sectors.subarray(0, count)) sum += length;
    events += count;
  }
}
await trace.close();
// Kilobytes on Linux.
const residentMib = process.resourceUsage().maxRSS / 1024;
process.stdout.write(JSON.stringify({ writes: trace.summary.writes, events, sectors: sum, residentMib }));
