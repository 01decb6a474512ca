/** What each machine is, fact by fact, so that what differs between machines can be shown before what does not. */
import type { Environment } from "../../measure/environment-schema.js";
import type { Result } from "../../results/schema.js";
import { formatFigure, scaleFor } from "../quantity.js";
import type { Machine } from "./machine-list.js";

export interface MachineFact {
  readonly name: string;
  /** A text a machine; null where it is not known. */
  readonly values: readonly (string | null)[];
  readonly differs: boolean;
}

type Member = Environment["members"][number];
type Device = NonNullable<Member["device"]>;

/** Of all members, each value once; null where no member tells. */
function ofMembers(of: (member: Member) => string | null): (result: Result) => string | null {
  return ({ environment: { members } }) => {
    const found = new Set(members.map(of).filter((text) => text !== null));
    return found.size === 0 ? null : [...found].join(", ");
  };
}

function ofDevices(
  of: (device: Device) => string | number | boolean | null,
): (result: Result) => string | null {
  return ofMembers(({ device }) => {
    const found = device === null ? null : of(device);
    if (typeof found === "boolean") return found ? "yes" : "no";
    return found === null ? null : String(found);
  });
}

function bytes(count: number | null): string | null {
  if (count === null) return null;
  const { unit, size } = scaleFor("bytes", count);
  return `${formatFigure(count / size)} ${unit}`;
}

const FACTS: readonly (readonly [string, (result: Result) => string | null])[] = [
  ["CPU", ({ environment: { cpu } }) => cpu.model],
  ["Cores", ({ environment: { cpu } }) => String(cpu.cores)],
  ["Governor", ({ environment: { cpu } }) => cpu.governor],
  ["Memory", ({ environment: { memoryBytes } }) => bytes(memoryBytes)],
  ["Hypervisor", ({ environment: { hypervisor } }) => hypervisor],
  ["Linux", ({ environment: { kernel } }) => kernel],
  ["Members", ({ environment: { members } }) => (members.length === 0 ? null : String(members.length))],
  ["Kind of member", ofMembers(({ kind }) => (kind === "block" ? "block device" : "file"))],
  ["Filesystem", ofMembers(({ filesystem }) => filesystem?.type ?? null)],
  ["Mount options", ofMembers(({ filesystem }) => filesystem?.options ?? null)],
  ["Device", ofDevices(({ name }) => name)],
  ["Device model", ofDevices(({ model }) => model)],
  ["Rotational", ofDevices(({ rotational }) => rotational)],
  ["Scheduler", ofDevices(({ scheduler }) => scheduler)],
  ["Write cache", ofDevices(({ writeCache }) => writeCache)],
  ["FUA", ofDevices(({ fua }) => fua)],
  ["Logical block", ofDevices(({ logicalBlockBytes }) => bytes(logicalBlockBytes))],
  ["Physical block", ofDevices(({ physicalBlockBytes }) => bytes(physicalBlockBytes))],
  ["Behind a loop device", ofDevices(({ backingFile }) => backingFile)],
  ["Load when it began", ({ environment: { load } }) => load.map((one) => one.toFixed(2)).join(" ")],
  ["Lock manager", ({ backends }) => (backends.dlm === "none" ? null : backends.dlm)],
  ["I/O", ({ backends }) => (backends.io === "none" ? null : backends.io)],
  ["Members written", ({ backends }) => (backends.members === "none" ? null : backends.members)],
  ["Variant", ({ variant }) => variant],
  ["md as of", ({ kernel }) => kernel],
  ["Durability model", ({ durabilityModel }) => durabilityModel],
  ["Scenario", ({ scenarioHash }) => scenarioHash.slice(0, 12)],
  ["Node", ({ environment: { node } }) => node],
  ["slotmark", ({ slotmark: { version, commit } }) => `${version} (${commit.slice(0, 12)})`],
];

/** Those that differ first, each part in the order above; facts that no machine tells are left out. */
export function machineFacts(machines: readonly Machine[]): MachineFact[] {
  const facts = FACTS.map(([name, of]): MachineFact => {
    const values = machines.map(({ results }) => {
      const found = new Set(results.map(of).filter((text) => text !== null));
      return found.size === 0 ? null : [...found].join("; ");
    });
    return { name, values, differs: new Set(values).size > 1 };
  }).filter(({ values }) => values.some((value) => value !== null));
  return [...facts.filter(({ differs }) => differs), ...facts.filter(({ differs }) => !differs)];
}
