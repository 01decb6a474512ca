/** An option that may be given several times; `without` says in the help what holds where it is not given. */
import { Option } from "commander";

export function repeatedOption(flags: string, description: string, without: string): Option {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return new Option(flags, description).argParser(collect).default([], without);
}
