import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, machineDifferences } from "../../src/compare/comparability.js";
import type { Environment, MemberEnvironment } from "../../src/measure/environment-schema.js";
import type { Result } from "../../src/results/schema.js";
import { madeResult } from "./made-result.js";

const MEMBER: MemberEnvironment = {
  path: "/a.img",
  kind: "file",
  filesystem: { type: "ext4", source: "/dev/vda1", mountPoint: "/", options: "rw,relatime" },
  device: {
    name: "vda",
    model: "Disk",
    rotational: false,
    scheduler: "none",
    writeCache: "write back",
    fua: false,
    logicalBlockBytes: 512,
    physicalBlockBytes: 512,
    backingFile: null,
  },
};

function result(change: (result: Result) => void = () => {}): Result {
  const made = structuredClone(madeResult([{ figures: { write_iops: [1] } }]));
  made.environment.members = [structuredClone(MEMBER)];
  change(made);
  return made;
}

const environment = (change: (environment: Environment) => void) => (made: Result) =>
  change(made.environment);
const member = (change: (member: MemberEnvironment) => void) => (made: Result) => {
  for (const one of made.environment.members) change(one);
};
const disturbed = (otherCpuShare: number, stolenCpuShare: number, throttleEvents: number | null) =>
  environment((one) => {
    one.disturbance = { otherCpuShare, stolenCpuShare, throttleEvents };
  });

for (const [kind, field, change] of [
  [
    "machine",
    "environment.hostname",
    environment((one) => {
      one.hostname = "other";
    }),
  ],
  [
    "machine",
    "environment.cpu.model",
    environment((one) => {
      one.cpu.model = "Other";
    }),
  ],
  [
    "machine",
    "environment.cpu.cores",
    environment((one) => {
      one.cpu.cores = 64;
    }),
  ],
  [
    "machine",
    "environment.kernel",
    environment((one) => {
      one.kernel = "6.12.0";
    }),
  ],
  [
    "machine",
    "environment.hypervisor",
    environment((one) => {
      one.hypervisor = "KVM";
    }),
  ],
  [
    "machine",
    "environment.memoryBytes",
    environment((one) => {
      one.memoryBytes *= 2;
    }),
  ],
  [
    "disturbance",
    "environment.cpu.governor",
    environment((one) => {
      one.cpu.governor = "powersave";
    }),
  ],
  [
    "disturbance",
    "environment.load",
    environment((one) => {
      one.load = [40, 20, 10];
    }),
  ],
  [
    "device",
    "environment.members[0].kind",
    member((one) => {
      one.kind = "block";
    }),
  ],
  [
    "device",
    "environment.members[0].filesystem.type",
    member((one) => {
      if (one.filesystem) one.filesystem.type = "xfs";
    }),
  ],
  [
    "device",
    "environment.members[0].device.name",
    member((one) => {
      if (one.device) one.device.name = "vdb";
    }),
  ],
  [
    "device",
    "environment.members[0].device.scheduler",
    member((one) => {
      if (one.device) one.device.scheduler = "bfq";
    }),
  ],
  [
    "device",
    "environment.members[0].device.fua",
    member((one) => {
      if (one.device) one.device.fua = true;
    }),
  ],
  [
    "backend",
    "backends.io",
    (made: Result) => {
      made.backends.io = "uring";
    },
  ],
  [
    "backend",
    "backends.members",
    (made: Result) => {
      made.backends.members = "parallel";
    },
  ],
  [
    "backend",
    "variant",
    (made: Result) => {
      made.variant = "original";
    },
  ],
  [
    "backend",
    "kernel",
    (made: Result) => {
      made.kernel = "6.1";
    },
  ],
  [
    "backend",
    "durabilityModel",
    (made: Result) => {
      made.durabilityModel = "kernel";
    },
  ],
  [
    "scenario",
    "scenarioHash",
    (made: Result) => {
      made.scenarioHash = "1".repeat(64);
    },
  ],
  [
    "schema",
    "schemaVersion",
    (made: Result) => {
      Object.assign(made, { schemaVersion: 2 });
    },
  ],
] as const) {
  test(`not like with like: ${field}`, () => {
    const found = differences(result(), result(change));
    assert.deepEqual(
      found.map((one) => [one.kind, one.field]),
      [[kind, field]],
    );
    assert.ok(found.every(({ base, head }) => base !== head && base !== "" && head !== ""));
    assert.equal(differences(result(change), result()).length, 1, "from either side");
    assert.deepEqual(differences(result(change), result(change)), []);
  });
}

test("versions of slotmark and Node, paths, hosts' free memory and dates are no difference", () => {
  const other = result((made) => {
    made.slotmark = { version: "9.9.9", commit: "f".repeat(40) };
    made.environment.node = "v24.0.0";
    made.environment.memoryBytes *= 1.01;
    made.createdAt = "2030-01-01T00:00:00.000Z";
    for (const one of made.environment.members) one.path = "/elsewhere/b.img";
  });
  assert.deepEqual(differences(result(), other), []);
});

test("a load that the run before leaves is none of others", () => {
  const busy = result((made) => {
    made.environment.load = [5.5, 3, 1];
  });
  assert.deepEqual(differences(result(), busy), []);
});

test("what happened during the runs counts where it differs, and heat in any case", () => {
  const quiet = result(disturbed(0.02, 0, 0));
  const fieldsOf = (change: (made: Result) => void) =>
    differences(quiet, result(change)).map(({ field }) => field);
  assert.deepEqual(fieldsOf(disturbed(0.3, 0, 0)), ["environment.disturbance.otherCpuShare"]);
  assert.deepEqual(fieldsOf(disturbed(0.02, 0.2, 0)), ["environment.disturbance.stolenCpuShare"]);
  assert.deepEqual(fieldsOf(disturbed(0.02, 0, 7)), ["environment.disturbance.throttleEvents"]);
  assert.deepEqual(fieldsOf(disturbed(0.05, 0.01, null)), []);
  const hot = result(disturbed(0.02, 0, 7));
  assert.equal(differences(hot, hot).length, 1);
});

test("a steady load on both sides may be compared", () => {
  const loaded = result(disturbed(0.5, 0, 0));
  assert.deepEqual(differences(loaded, result(disturbed(0.55, 0, 0))), []);
});

test("another scenario shows which of its fields differ, without members and repeats", () => {
  const of = (nodes: number, trials: number) =>
    result((made) => {
      made.scenario = { suites: [{ suite: "bitmap", nodes: [nodes], trials }], members: [`/m${nodes}`] };
      made.scenarioHash = String(nodes).repeat(64);
    });
  assert.deepEqual(differences(of(2, 12), of(4, 6)).slice(1), [
    { kind: "scenario", field: "scenario.suites[0].nodes[0]", base: "2", head: "4" },
  ]);
});

test("one member more is a difference, a loop device's number is none", () => {
  const more = result((made) => {
    made.environment.members.push(structuredClone(MEMBER));
  });
  assert.ok(
    differences(result(), more).some(
      ({ field, base }) => field.startsWith("environment.members[1]") && base === "–",
    ),
  );
  const loop = (number: number) =>
    result(
      member((one) => {
        if (one.device) one.device = { ...one.device, name: `loop${number}`, backingFile: `/img${number}` };
      }),
    );
  assert.deepEqual(differences(loop(0), loop(7)), []);
});

test("of a cluster every machine counts", () => {
  const of = (model: string) =>
    result((made) => {
      const machine = (node: number, cpu: string) => ({
        node,
        environment: { ...made.environment, cpu: { ...made.environment.cpu, model: cpu } },
      });
      made.cluster = {
        run: "0".repeat(16),
        arrayUuid: "u",
        nodes: 2,
        machines: [machine(0, "Same"), machine(1, model)],
      };
    });
  assert.deepEqual(
    differences(of("One"), of("Other")).map(({ field }) => field),
    ["node 1.cpu.model"],
  );
});

test("a noise floor asks for the machine, not for the work", () => {
  const other = result((made) => {
    made.scenarioHash = "1".repeat(64);
  });
  assert.deepEqual(machineDifferences(result(), other), []);
  assert.equal(
    machineDifferences(
      result(),
      result((made) => {
        made.environment.hostname = "x";
      }),
    ).length,
    1,
  );
});
