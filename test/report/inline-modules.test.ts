/** Modules put into one: what they export and import, names of their own, and forms that are refused. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { inlineModules } from "../../src/report/page/inline-modules.js";

function inlined(t: TestContext, modules: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "slotmark-inline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
  return inlineModules(pathToFileURL(join(folder, "entry.js")));
}

test("each module once, before who imports it, with names of its own", (t) => {
  const text = inlined(t, {
    "entry.js": `import { twice } from "./twice.js";\nimport { one as uno } from "./one.js";\nconst own = 5;\nfound.push(twice(uno), own);\n//# sourceMappingURL=entry.js.map`,
    "twice.js": `import { one } from "./one.js";\nconst own = 2;\nexport function twice(x) {\n    return own * x + one - 1;\n}\n`,
    "one.js": `found.push("one");\nfunction own() { return 1; }\nexport const one = own();\nexport class Unused {\n}\n`,
  });
  const found: unknown[] = [];
  runInNewContext(text, { found });
  assert.deepEqual(found, ["one", 2, 5]);
});

test("a circle, a package, a default export and a re-export are refused", (t) => {
  const refused = (modules: Readonly<Record<string, string>>) => () => inlined(t, modules);
  const circle = {
    "entry.js": `import { a } from "./a.js";\n`,
    "a.js": `import { b } from "./entry.js";\nexport const a = 1;\n`,
  };
  assert.throws(refused(circle), /imports itself by way of others/);
  for (const line of [
    `import { z } from "zod";`,
    "export default 1;",
    `export * from "./one.js";`,
    `import * as all from "./one.js";`,
  ]) {
    assert.throws(
      refused({ "entry.js": `${line}\n`, "one.js": "export const one = 1;\n" }),
      /cannot be put into a page/,
      line,
    );
  }
});
