/** Bitset libraries from npm, by the calls that their documentation shows. They have what bitsets have, and no counters. */
import FastBitSet from "fastbitset";
import { RoaringBitmap32, roaringLibraryInitialize } from "roaring-wasm";
import { TypedFastBitSet } from "typedfastbitset";
import { bitmap, CHUNKS, digest, EVENTS, largeBitmap, ranges, SCAN_BITS, setBitsOf } from "../fixtures.js";
import type { Contestant, Run } from "../kernels.js";

await roaringLibraryInitialize();

/** What all of them can do. */
interface Peer {
  add(bit: number): void;
  addRange(first: number, end: number): void;
  union(other: this): void;
  size(): number;
  /** Writes the set bits and returns how many. */
  find(into: Uint32Array<ArrayBuffer>): number;
}

class Typed implements Peer {
  readonly set: TypedFastBitSet;
  constructor(bits: readonly number[]) {
    this.set = new TypedFastBitSet(bits);
    this.set.resize(CHUNKS - 1);
  }
  add(bit: number): void {
    this.set.add(bit);
  }
  addRange(first: number, end: number): void {
    this.set.addRange(first, end);
  }
  union(other: Typed): void {
    this.set.union(other.set);
  }
  size(): number {
    return this.set.size();
  }
  find(into: Uint32Array<ArrayBuffer>): number {
    let count = 0;
    this.set.forEach((bit) => {
      into[count++] = bit;
    });
    return count;
  }
}

class Fast implements Peer {
  readonly set: FastBitSet;
  constructor(bits: readonly number[]) {
    this.set = new FastBitSet(bits);
    this.set.resize(CHUNKS - 1);
  }
  add(bit: number): void {
    this.set.add(bit);
  }
  /** It has no ranges. */
  addRange(first: number, end: number): void {
    for (let bit = first; bit < end; bit++) this.set.add(bit);
  }
  union(other: Fast): void {
    this.set.union(other.set);
  }
  size(): number {
    return this.set.size();
  }
  find(into: Uint32Array<ArrayBuffer>): number {
    let count = 0;
    this.set.forEach((bit) => {
      into[count++] = bit;
    });
    return count;
  }
}

class Roaring implements Peer {
  readonly set: RoaringBitmap32;
  constructor(bits: readonly number[]) {
    this.set = new RoaringBitmap32(bits);
  }
  add(bit: number): void {
    this.set.add(bit);
  }
  addRange(first: number, end: number): void {
    this.set.addRange(first, end);
  }
  union(other: Roaring): void {
    this.set.orInPlace(other.set);
  }
  size(): number {
    return this.set.size;
  }
  find(into: Uint32Array<ArrayBuffer>): number {
    return this.set.toUint32Array(into).length;
  }
}

function digestOfBits(peer: Peer): number {
  const found = new Uint32Array(CHUNKS);
  const count = peer.find(found);
  const bytes = new Uint8Array(CHUNKS / 8);
  for (const bit of found.subarray(0, count)) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return digest(bytes);
}

function contestant<P extends Peer>(create: (bits: readonly number[]) => P): Contestant {
  const scan = (words: Uint32Array): Run => {
    const peer = create(setBitsOf(words));
    const found = new Uint32Array(32 * words.length);
    let count = 0;
    return {
      run() {
        count = peer.find(found);
      },
      digest: () => digest(found.slice(0, count)),
    };
  };
  return {
    "set-bit": () => {
      const peer = create([]);
      const chunks = Uint32Array.from(ranges(1), ({ first }) => first);
      return {
        run() {
          for (let i = 0; i < EVENTS; i++) peer.add(chunks[i] as number);
        },
        digest: () => digestOfBits(peer),
      };
    },
    "set-range": () => {
      const peer = create([]);
      const events = Uint32Array.from(ranges(64).flatMap(({ first, length }) => [first, first + length]));
      return {
        run() {
          for (let i = 0; i < events.length; i += 2) {
            peer.addRange(events[i] as number, events[i + 1] as number);
          }
        },
        digest: () => digestOfBits(peer),
      };
    },
    "merge-or": () => {
      const target = create(setBitsOf(bitmap(2, 10485)));
      const source = create(setBitsOf(bitmap(3, 10485)));
      return { run: () => target.union(source), digest: () => digestOfBits(target) };
    },
    popcount: () => {
      const peer = create(setBitsOf(bitmap(2, CHUNKS / 2)));
      let count = 0;
      return {
        run() {
          count = peer.size();
        },
        digest: () => count,
      };
    },
    "scan-0.01": () => scan(bitmap(2, SCAN_BITS["scan-0.01"])),
    "scan-1": () => scan(bitmap(2, SCAN_BITS["scan-1"])),
    "scan-1-large": () => scan(new Uint32Array(largeBitmap(SCAN_BITS["scan-1"]).buffer)),
    "scan-50": () => scan(bitmap(2, SCAN_BITS["scan-50"])),
  };
}

export const typedfastbitset = contestant((bits) => new Typed(bits));
export const fastbitset = contestant((bits) => new Fast(bits));
export const roaringWasm = contestant((bits) => new Roaring(bits));
