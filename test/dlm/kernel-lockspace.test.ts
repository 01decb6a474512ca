import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { joinKernelLockspace } from "../../src/dlm/kernel-lockspace.js";
import { conformance } from "./conformance.js";

const arrayUuid = "c0f0a0ce-0000-4000-8000-000000000003";
/** A DLM whose cluster has been joined; the lab holds the same code to the same rules on two machines of its own. */
const joined = existsSync("/sys/kernel/config/dlm/cluster/comms");

if (joined) {
  conformance("kernel", async () => {
    const lockspace = await joinKernelLockspace({ arrayUuid, slots: 4 });
    return { first: lockspace, second: lockspace };
  });
} else {
  test("without a DLM the error says what is missing and how to get it", async () => {
    await assert.rejects(
      joinKernelLockspace({ arrayUuid, slots: 4 }),
      (error: Error & { code?: string; kind?: string; remedy?: string }) => {
        assert.equal(error.name, "SlotmarkError");
        assert.equal(error.kind, "refused");
        const named: Record<string, RegExp> = {
          "dlm-library-missing": /^Install libdlm 4 or newer/,
          "dlm-library-too-old": /^Install libdlm 4 or newer/,
          "dlm-device-missing": /^Load the module/,
          "dlm-not-permitted": /^Run as root/,
          "dlm-cluster-not-joined": /^Start corosync/,
        };
        assert.match(error.remedy ?? "", named[error.code ?? ""] ?? /^no such code$/);
        return true;
      },
    );
  });
}

test("an array has 1 to 64 slots", async () => {
  for (const slots of [0, 65, 1.5]) {
    await assert.rejects(joinKernelLockspace({ arrayUuid, slots }), {
      code: "dlm-slots",
      errnoName: "EINVAL",
    });
  }
});
