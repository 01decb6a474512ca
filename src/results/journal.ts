/**
 * The journal of a run: a header line, then one line a trial, each durable before the next trial starts, so that a run
 * that is killed can go on (`run --resume`). One process at a time holds it, by a lock that vanishes with its holder.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { SlotmarkError } from "../errors.js";
import { tryLockFile } from "../storage/native.js";
import { fileError, fsyncFolder } from "./atomic-file.js";
import {
  type EncodedHistograms,
  type JournalHeader,
  journalHeaderSchema,
  journalLineSchema,
  type Trial,
} from "./schema.js";
import { parseChecked } from "./validation.js";

const NEWLINE = 0x0a;
const REMEDY = "Restore the journal from a copy, or delete it and start the run anew.";

export interface JournalContents {
  readonly header: JournalHeader;
  readonly trials: readonly Trial[];
  readonly histograms: EncodedHistograms;
  /** Bytes of a last line that was cut off while it was written: not a trial, left out. 0: none. */
  readonly tornBytes: number;
}

export interface Journal {
  readonly path: string;
  /**
   * Adds a trial with the histograms that it refers to; it is on the disk when this returns.
   * @throws SlotmarkError `file-failed` (device)
   */
  append(trial: Trial, histograms: EncodedHistograms): void;
  close(): void;
}

/** A write may be partial; what is left of it follows. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

class OpenJournal implements Journal {
  constructor(
    readonly path: string,
    readonly descriptor: number,
  ) {}

  append(trial: Trial, histograms: EncodedHistograms): void {
    const encodedHistograms: EncodedHistograms = {};
    for (const ref of Object.values(trial.histograms)) {
      const encoded = histograms[ref];
      if (encoded === undefined) throw new Error(`trial ${trial.id}: histogram "${ref}" is missing`);
      encodedHistograms[ref] = encoded;
    }
    const line = journalLineSchema.parse({ ...trial, encodedHistograms });
    const lengthBytes = fstatSync(this.descriptor).size;
    try {
      writeAll(this.descriptor, `${JSON.stringify(line)}\n`);
      fdatasyncSync(this.descriptor);
    } catch (error) {
      this.#dropPartialLine(lengthBytes);
      throw fileError("adding a trial to the journal", this.path, error);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** On a full disk a part of the line may stand there; a reader would drop it, a later append would join it. */
  #dropPartialLine(lengthBytes: number): void {
    try {
      ftruncateSync(this.descriptor, lengthBytes);
    } catch {
      // The error that led here is the one to report; readers drop a torn last line.
    }
  }
}

function openLocked(path: string, flags: number): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    throw fileError("opening the journal", path, error);
  }
  let locked: boolean;
  try {
    locked = tryLockFile(descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  if (locked) return descriptor;
  closeSync(descriptor);
  throw new SlotmarkError(
    "refused",
    "journal-in-use",
    `${path}: another run is writing this journal`,
    "Wait until that run has ended, or choose another --out.",
  );
}

/**
 * Starts a journal: the file is made, or was empty.
 * @throws SlotmarkError `journal-in-use`, `journal-exists` (refused), `path-unusable`, `file-failed`
 */
export function createJournal(path: string, header: JournalHeader): Journal {
  const descriptor = openLocked(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
  try {
    if (fstatSync(descriptor).size > 0) {
      throw new SlotmarkError(
        "refused",
        "journal-exists",
        `${path}: a journal of an earlier run is here`,
        "Go on with it by --resume, or delete it, or choose another --out.",
      );
    }
    const line = JSON.stringify(journalHeaderSchema.parse(header));
    try {
      writeAll(descriptor, `${line}\n`);
      fsyncSync(descriptor);
      fsyncFolder(dirname(path));
    } catch (error) {
      throw fileError("starting the journal", path, error);
    }
    return new OpenJournal(path, descriptor);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function readWhole(descriptor: number, path: string): Buffer {
  const bytes = Buffer.alloc(fstatSync(descriptor).size);
  try {
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(descriptor, bytes, done, bytes.length - done, done);
      if (count === 0) return bytes.subarray(0, done);
      done += count;
    }
  } catch (error) {
    throw fileError("reading", path, error);
  }
  return bytes;
}

function parseJournal(bytes: Buffer, path: string): JournalContents {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  const [headerLine, ...trialLines] = lines;
  if (headerLine === undefined) {
    throw new SlotmarkError(
      "input",
      "journal-empty",
      `${path}: no complete first line, so nothing was measured`,
      "Delete it and start the run anew.",
    );
  }
  const header = parseChecked(journalHeaderSchema, headerLine, `${path}: line 1`, REMEDY);
  const lineOfTrial = new Map<string, number>();
  const trials: Trial[] = [];
  const histograms: EncodedHistograms = {};
  trialLines.forEach((text, index) => {
    const line = index + 2;
    const { encodedHistograms, ...trial } = parseChecked(
      journalLineSchema,
      text,
      `${path}: line ${line}`,
      REMEDY,
    );
    const earlier = lineOfTrial.get(trial.id);
    if (earlier !== undefined) {
      throw new SlotmarkError(
        "input",
        "journal-repeats-trial",
        `${path}: line ${line}: trial ${trial.id} stands on line ${earlier} already`,
        REMEDY,
      );
    }
    for (const ref of Object.values(trial.histograms)) {
      if (Object.hasOwn(encodedHistograms, ref)) continue;
      throw new SlotmarkError(
        "input",
        "schema-mismatch",
        `${path}: line ${line}: field histograms: "${ref}" is not in encodedHistograms`,
        REMEDY,
      );
    }
    lineOfTrial.set(trial.id, line);
    trials.push(trial);
    Object.assign(histograms, encodedHistograms);
  });
  return { header, trials, histograms, tornBytes: bytes.length - end };
}

/**
 * Reads a journal, also one that a run is writing.
 * @throws SlotmarkError `path-unusable`, `journal-empty`, `json-malformed`, `schema-mismatch`, `journal-repeats-trial`; each with its line
 */
export function readJournal(path: string): JournalContents {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw fileError("opening the journal", path, error);
  }
  try {
    return parseJournal(readWhole(descriptor, path), path);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Takes up a journal where it ends; a torn last line is cut off.
 * @throws SlotmarkError as `readJournal`, and `journal-in-use`
 */
export function resumeJournal(path: string): {
  readonly journal: Journal;
  readonly contents: JournalContents;
} {
  const descriptor = openLocked(path, constants.O_RDWR | constants.O_APPEND);
  try {
    const contents = parseJournal(readWhole(descriptor, path), path);
    if (contents.tornBytes > 0) {
      ftruncateSync(descriptor, fstatSync(descriptor).size - contents.tornBytes);
      fdatasyncSync(descriptor);
    }
    return { journal: new OpenJournal(path, descriptor), contents };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
