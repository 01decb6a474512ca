/**
 * One contestant's one kernel in a process of its own, since what a process has run before changes how fast JavaScript runs.
 * `measure-one.js CONTESTANT KERNEL check` prints the digest after two runs; with milliseconds in place of `check` it times.
 * The native builds speak the same.
 */
import { Bench, hrtimeNow } from "tinybench";
import type { Contestant } from "./kernels.js";

async function contestantOf(name: string): Promise<Contestant> {
  if (name === "wasm") return (await import("./contestants/wasm.js")).wasm;
  if (name === "plain") return (await import("./contestants/plain.js")).plain;
  if (name === "tuned") return (await import("./contestants/tuned.js")).tuned;
  const peers = await import("./contestants/peers.js");
  if (name === "typedfastbitset") return peers.typedfastbitset;
  if (name === "fastbitset") return peers.fastbitset;
  return peers.roaringWasm;
}

const [name = "", kernel = "", how = ""] = process.argv.slice(2);
const setUp = (await contestantOf(name))[kernel];
if (setUp === undefined) {
  console.log("{}");
} else if (how === "check") {
  const contestant = setUp();
  contestant.run();
  contestant.run();
  console.log(JSON.stringify({ digest: contestant.digest() >>> 0 }));
} else {
  const contestant = setUp();
  const time = Number(how);
  const bench = new Bench({ time, warmupTime: time / 4, now: hrtimeNow, retainSamples: true, throws: true });
  bench.add(kernel, () => contestant.run());
  await bench.run();
  const result = bench.tasks[0]?.result;
  const samples = result !== undefined && "latency" in result ? result.latency.samples : undefined;
  if (samples === undefined) throw new Error(`${name} ${kernel} gave no samples`);
  // Milliseconds, sorted.
  const quantileNs = (q: number) => Math.round((samples[Math.floor((samples.length - 1) * q)] ?? 0) * 1e6);
  console.log(
    JSON.stringify({
      samples: samples.length,
      p25Ns: quantileNs(0.25),
      p50Ns: quantileNs(0.5),
      p75Ns: quantileNs(0.75),
    }),
  );
}
