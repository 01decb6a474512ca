import { joinEmbeddedLockspace } from "../../src/dlm/embedded-lockspace.js";
import { conformance } from "./conformance.js";

conformance("embedded", () => {
  const lockspace = "conformance";
  return Promise.resolve({
    first: joinEmbeddedLockspace({ lockspace, node: 1 }),
    second: joinEmbeddedLockspace({ lockspace, node: 2 }),
  });
});
