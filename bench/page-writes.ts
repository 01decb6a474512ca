/**
 * Page writes by slotmark's psync writer against fio's psync engine: the same file, the same offsets in the same order,
 * 4 KiB each, one at a time, O_DIRECT with and without O_DSYNC; on a file and on a loop device. About a minute.
 *
 * First both must have written the expected bytes at the expected places and nowhere else. Then samples alternate, each
 * side first in turn, and the ratio is taken within each pair, so that what the machine does meanwhile meets both.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { captureEnvironment } from "../src/measure/environment.js";
import { slotmarkIdentity } from "../src/measure/identity.js";
import { PAGE_BYTES } from "../src/ondisk/slot-geometry.js";
import { directMemory } from "../src/storage/direct-memory.js";
import { openPsyncWriter } from "../src/storage/psync-writer.js";
import { fioVersion, runFio } from "./fio-psync.js";
import { quartiles } from "./quartiles.js";

const FILE_PAGES = 16_384; // 64 MiB
const SAMPLE_SECONDS = 0.35;
const PAIRS = 17;
const CHECK_WRITES = 500;
const RESULT = fileURLToPath(new URL("../../results/page-writes.json", import.meta.url));

interface Run {
  readonly path: string;
  readonly offsetsBytes: readonly number[];
  readonly dsync: boolean;
  readonly fill: number;
}

/** One call of the writer for each page, as a plug that dirties one page makes it; @returns writes per second */
function runSlotmark({ path, offsetsBytes, dsync, fill }: Run): number {
  const memory = directMemory(PAGE_BYTES);
  memory.fill(fill, 0, PAGE_BYTES);
  const writer = openPsyncWriter({
    members: [{ path, dataOffsetBytes: 0 }],
    memory,
    imageOffsetBytes: 0,
    imageBytes: PAGE_BYTES,
    payloadOffsetBytes: 0,
    payloadBytes: PAGE_BYTES,
    depth: 0,
    durability: dsync ? "fua" : "none",
    dataSync: false,
  });
  if (!writer.directIo) throw new Error(`${path}: its filesystem knows no O_DIRECT`);
  const pages = {
    page: Uint32Array.of(0),
    offsetBytes: Float64Array.of(0),
    lengthBytes: Uint32Array.of(PAGE_BYTES),
  };
  const start = process.hrtime.bigint();
  for (const offset of offsetsBytes) {
    pages.offsetBytes[0] = offset;
    const [failure] = writer.writePages(pages, 1);
    if (failure !== undefined) throw failure.error;
  }
  const elapsedSeconds = Number(process.hrtime.bigint() - start) / 1e9;
  writer.close();
  return offsetsBytes.length / elapsedSeconds;
}

/** Page offsets without a pattern that a device could follow (xorshift32). */
function offsets(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) % FILE_PAGES) * PAGE_BYTES;
  });
}

/** Writes every byte once, so that no sample pays for allocation. */
function fillWhole(path: string, fill: number): void {
  const descriptor = openSync(path, "r+");
  const piece = Buffer.alloc(1 << 20, fill);
  for (let at = 0; at < FILE_PAGES * PAGE_BYTES; at += piece.length) {
    writeSync(descriptor, piece, 0, piece.length, at);
  }
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function assertWritten(path: string, offsetsBytes: readonly number[], fill: number, who: string): void {
  const expected = Buffer.alloc(FILE_PAGES * PAGE_BYTES, 0x11);
  for (const offset of offsetsBytes) expected.fill(fill, offset, offset + PAGE_BYTES);
  if (!readFileSync(path).equals(expected))
    throw new Error(`${who} did not leave the expected bytes on ${path}`);
}

function measureCase(directory: string, target: string, path: string, dsync: boolean) {
  const check = offsets(CHECK_WRITES, 7);
  fillWhole(path, 0x11);
  const slotmarkRate = runSlotmark({ path, offsetsBytes: check, dsync, fill: 0xa5 });
  assertWritten(path, check, 0xa5, "slotmark");
  fillWhole(path, 0x11);
  const fioRate = runFio({
    path,
    offsetsBytes: check,
    dsync,
    fill: 0x5a,
    directory,
    lengthBytes: PAGE_BYTES,
  });
  assertWritten(path, check, 0x5a, "fio");

  const writes = Math.max(200, Math.round(Math.min(slotmarkRate, fioRate) * SAMPLE_SECONDS));
  const samples: { slotmarkPerSecond: number; fioPerSecond: number; ratio: number }[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const run = { path, offsetsBytes: offsets(writes, 1000 + pair), dsync };
    const slotmark = () => runSlotmark({ ...run, fill: 0xa5 });
    const fio = () => runFio({ ...run, fill: 0x5a, directory, lengthBytes: PAGE_BYTES });
    let slotmarkPerSecond: number;
    let fioPerSecond: number;
    if (pair % 2 === 0) {
      slotmarkPerSecond = slotmark();
      fioPerSecond = fio();
    } else {
      fioPerSecond = fio();
      slotmarkPerSecond = slotmark();
    }
    samples.push({ slotmarkPerSecond, fioPerSecond, ratio: slotmarkPerSecond / fioPerSecond });
  }
  const ratio = quartiles(samples.map((sample) => sample.ratio));
  const slotmarkPerSecond = quartiles(samples.map((sample) => sample.slotmarkPerSecond));
  const fioPerSecond = quartiles(samples.map((sample) => sample.fioPerSecond));
  const mode = dsync ? "direct+dsync" : "direct";
  console.log(
    `${target.padEnd(12)} ${mode.padEnd(13)} slotmark ${rate(slotmarkPerSecond.median)}  fio ${rate(fioPerSecond.median)}  ratio ${ratio.median.toFixed(3)} [${ratio.q1.toFixed(3)}, ${ratio.q3.toFixed(3)}]`,
  );
  return { target, mode, writesPerSample: writes, ratio, slotmarkPerSecond, fioPerSecond, samples };
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond)}/s`.padStart(9);
}

function main(): void {
  const directory = mkdtempSync(join(tmpdir(), "slotmark-page-writes-"));
  const file = join(directory, "file.img");
  const backing = join(directory, "loop.img");
  let loop: string | undefined;
  try {
    const version = fioVersion();
    for (const path of [file, backing]) {
      writeFileSync(path, "");
      execFileSync("truncate", ["--size", String(FILE_PAGES * PAGE_BYTES), path]);
      fillWhole(path, 0x11);
    }
    if (process.getuid?.() === 0) {
      loop = execFileSync("losetup", ["--find", "--show", backing], { encoding: "utf8" }).trim();
    }
    const environment = captureEnvironment(loop === undefined ? [file] : [file, loop]);
    const fileTarget = `${environment.members[0]?.filesystem?.type ?? "unknown"} file`;
    console.log(
      `writes of ${PAGE_BYTES} bytes, one at a time; ratio = slotmark / ${version}, median [quartiles]`,
    );
    const cases = [false, true].map((dsync) => measureCase(directory, fileTarget, file, dsync));
    const skipped: string[] = [];
    if (loop !== undefined) {
      const path = loop;
      cases.push(...[false, true].map((dsync) => measureCase(directory, "loop device", path, dsync)));
    } else {
      skipped.push("loop device: needs root");
      console.log("loop device  skipped: needs root");
    }
    mkdirSync(join(RESULT, ".."), { recursive: true });
    writeFileSync(
      RESULT,
      `${JSON.stringify(
        {
          benchmark: "page-writes",
          slotmark: slotmarkIdentity(),
          createdAt: new Date().toISOString(),
          peer: version,
          writeBytes: PAGE_BYTES,
          queueDepth: 1,
          pairs: PAIRS,
          sampleSeconds: SAMPLE_SECONDS,
          fileBytes: FILE_PAGES * PAGE_BYTES,
          cases,
          skipped,
          environment,
        },
        null,
        1,
      )}\n`,
    );
  } finally {
    if (loop !== undefined) execFileSync("losetup", ["--detach", loop]);
    rmSync(directory, { recursive: true, force: true });
  }
}

main();
