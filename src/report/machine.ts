/** The machine, the members and the backends that a result's figures hold for: pairs of a word and what it is. */
import type { Environment, MemberEnvironment } from "../measure/environment-schema.js";
import type { Result } from "../results/schema.js";

function describeDevice(device: MemberEnvironment["device"]): string {
  if (device === null) return "no block device";
  const facts = [
    device.model,
    device.rotational === null ? null : device.rotational ? "rotational" : "not rotational",
    device.scheduler === null ? null : `scheduler ${device.scheduler}`,
    device.writeCache,
    device.fua === null ? null : device.fua ? "FUA" : "no FUA",
  ].filter((fact) => fact !== null);
  return `${device.name} (${facts.join(", ")})`;
}

function describeMember({ kind, filesystem, device }: MemberEnvironment): string {
  if (kind === "block") return describeDevice(device);
  return `file on ${filesystem?.type ?? "a filesystem unknown"} on ${describeDevice(device)}`;
}

function describeHost({ cpu, hypervisor, load }: Environment): string {
  return (
    `${cpu.model ?? "CPU unknown"}, ${cpu.cores} cores, governor ${cpu.governor ?? "not shown"}, ` +
    `${hypervisor === "none" ? "no hypervisor" : `hypervisor ${hypervisor}`}, load ${load.map((one) => one.toFixed(2)).join(" ")}`
  );
}

export function describeMachine({
  environment,
  backends,
  variant,
  kernel,
  durabilityModel,
  slotmark,
  cluster,
}: Result): (readonly [string, string])[] {
  const machines = cluster?.machines.map((machine) => ({
    ...machine,
    name: `node ${machine.node}, ${machine.environment.hostname}: `,
  })) ?? [{ environment, name: "" }];
  const members = new Map<string, number>();
  for (const member of environment.members) {
    const text = describeMember(member);
    members.set(text, (members.get(text) ?? 0) + 1);
  }
  return [
    ...machines.map((machine) => ["machine", machine.name + describeHost(machine.environment)] as const),
    [
      "software",
      `Linux ${environment.kernel.split(" ")[0]}, Node ${environment.node}, ` +
        `slotmark ${slotmark.version} (${slotmark.commit.slice(0, 12)})`,
    ],
    ...[...members].map(([text, count]) => ["members", `${count} × ${text}`] as const),
    [
      "backends",
      `dlm ${backends.dlm}, io ${backends.io}, members ${backends.members}; variant ${variant}, ` +
        `kernel ${kernel}, durability ${durabilityModel}`,
    ],
  ];
}
