/**
 * Slows slotmark down from outside: imported before it (`node --import`), in its main thread and its workers. It puts a loop of real work in
 * front of every page that the page writer is handed, or of every call of the hot path's `startWrites`. slotmark itself knows nothing of
 * it. How much is asked for stands in the environment, in turns of the loop.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { HotpathExports } from "../../src/bitmap/hotpath-module.js";

export const SLOWDOWN_VARIABLE = "SLOTMARK_GATE_SLOWDOWN";
export const SLOWED = ["pageWrites", "hotPath"] as const;
export type Slowed = (typeof SLOWED)[number];

export interface Slowdown {
  readonly where: Slowed;
  /** Of the loop, for each page or call. */
  readonly turns: number;
}

type CountCall = (count: number) => number;

/** xorshift32, each turn waiting for the one before. */
let state = 1;
function burn(turns: number): void {
  let x = state;
  for (let turn = 0; turn < turns; turn++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  state = x === 0 ? 1 : x;
}

/** This file runs from dist/bench/gate/. */
const ADDON = fileURLToPath(new URL("../../../native/slotmark.node", import.meta.url));

function slowPageWrites(turns: number): void {
  const { MemberWriter } = createRequire(import.meta.url)(ADDON);
  const pageCall: (this: unknown) => CountCall = MemberWriter.prototype.pageCall;
  MemberWriter.prototype.pageCall = function (this: unknown): CountCall {
    const writePages = pageCall.call(this);
    return (count) => {
      burn(turns * count);
      return writePages(count);
    };
  };
}

/** An instance's exports cannot be changed, so whoever makes one is given another object with the same functions. */
function slowHotPath(turns: number): void {
  const Original = WebAssembly.Instance;
  const slowed = (...made: ConstructorParameters<typeof WebAssembly.Instance>) => {
    const exports = new Original(...made).exports as HotpathExports;
    const { startWrites } = exports;
    const slow: typeof startWrites = (first, count) => {
      burn(turns);
      return startWrites(first, count);
    };
    // Other modules have no such function, and get none.
    return { exports: startWrites === undefined ? exports : { ...exports, startWrites: slow } };
  };
  Reflect.set(
    WebAssembly,
    "Instance",
    new Proxy(Original, { construct: (_, [module, imports]) => slowed(module, imports) }),
  );
}

const asked = process.env[SLOWDOWN_VARIABLE];
if (asked !== undefined) {
  const { where, turns }: Slowdown = JSON.parse(asked);
  if (where === "pageWrites") slowPageWrites(turns);
  else slowHotPath(turns);
}
