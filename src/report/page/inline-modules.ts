/**
 * Compiled modules as one, for a page that must not load anything: a module and all that it imports, each once in a scope of its
 * own, those imported first. It knows the forms of import and export that our compiler writes and refuses every other.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

const IMPORT = /^import \{ ([^}]*) \} from "(\.{1,2}\/[^"]+)";\n/gm;
const EXPORT = /^export (?=(?:async function|function|const|class|let) (\w+))/gm;
const NOTHING = /^export \{\};\n/gm;
const SOURCE_MAP = /^\/\/# sourceMappingURL=.*$/gm;

interface Inlined {
  /** What holds its exports. */
  readonly name: string;
  readonly text: string;
}

/**
 * @param entry URL of a compiled module
 * @returns text of one module
 * @throws Error for another form of import or export, and for modules that import each other (a defect)
 */
export function inlineModules(entry: URL): string {
  const modules = new Map<string, Inlined>();
  visit(entry, modules, []);
  const whole = [...modules.values()].map(({ text }) => text).join("\n");
  new Script(`"use strict";\n{\n${whole}\n}`, { filename: entry.pathname });
  return whole;
}

function visit(url: URL, modules: Map<string, Inlined>, above: readonly string[]): Inlined {
  const known = modules.get(url.href);
  if (known !== undefined) return known;
  if (above.includes(url.href)) throw new Error(`${url.pathname} imports itself by way of others`);
  const source = readFileSync(fileURLToPath(url), "utf8").replace(SOURCE_MAP, "").replace(NOTHING, "");
  const text = source.replace(IMPORT, (_, names: string, specifier: string) => {
    const { name } = visit(new URL(specifier, url), modules, [...above, url.href]);
    return `const { ${names.replace(/\bas\b/g, ":").replace(/ :/g, ":")} } = ${name};\n`;
  });
  const exports = [...text.matchAll(EXPORT)].map(([, name]) => name);
  const body = text.replace(EXPORT, "").trim();
  const other = /^(?:import|export)\b.*$/m.exec(body);
  if (other !== null) throw new Error(`${url.pathname} cannot be put into a page: ${other[0]}`);
  const name = `module${modules.size}`;
  const inlined = {
    name,
    text: `const ${name} = (() => {\n${body}\nreturn { ${exports.join(", ")} };\n})();`,
  };
  modules.set(url.href, inlined);
  return inlined;
}
