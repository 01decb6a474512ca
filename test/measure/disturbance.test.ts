import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuSeconds, disturbedEnvironment, watchDisturbance } from "../../src/measure/disturbance.js";
import { captureEnvironment } from "../../src/measure/environment.js";
import { environmentSchema } from "../../src/measure/environment-schema.js";

test("the CPU line of /proc/stat: guests are in user time already, waiting for disks is idle", () => {
  const text = "cpu  100 20 30 400 50 6 4 10 70 5\ncpu0 1 2 3 4\nintr 5\n";
  assert.deepEqual(cpuSeconds(text), { busySeconds: 1.6, stolenSeconds: 0.1, allSeconds: 6.2 });
  assert.equal(cpuSeconds("intr 5\n"), null);
  assert.equal(cpuSeconds("cpu  1 2\n"), null);
});

test("what is watched fits a result's environment", () => {
  const read = watchDisturbance();
  let spun = 0;
  for (let round = 0; round < 1e7; round++) spun += round;
  assert.ok(spun > 0);
  const disturbance = read();
  assert.ok(disturbance !== null);
  const environment = disturbedEnvironment(captureEnvironment([]), disturbance);
  assert.deepEqual(environmentSchema.parse(environment).disturbance, disturbance);
  assert.equal("disturbance" in disturbedEnvironment(captureEnvironment([]), null), false);
});
