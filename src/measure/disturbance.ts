/**
 * What else the machine did while a run measured: CPU time of others, time that the hypervisor took, and how often cores were slowed
 * down for heat. A load average cannot tell, for it counts the run itself and whatever ran before.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Disturbance, Environment } from "./environment-schema.js";

/** `USER_HZ` of Linux on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const CPU_FOLDER = "/sys/devices/system/cpu";

interface Counters {
  readonly busySeconds: number;
  readonly stolenSeconds: number;
  readonly allSeconds: number;
  readonly ownSeconds: number;
  readonly throttled: number | null;
}

/** @returns what happened between this call and the call of what it returns; null where /proc does not tell */
export function watchDisturbance(): () => Disturbance | null {
  const before = countersNow();
  return () => {
    const after = countersNow();
    return before === null || after === null ? null : disturbanceBetween(before, after);
  };
}

/** A machine that does not tell leaves the environment as it is. */
export function disturbedEnvironment(environment: Environment, disturbance: Disturbance | null): Environment {
  return disturbance === null ? environment : { ...environment, disturbance };
}

function disturbanceBetween(before: Counters, after: Counters): Disturbance {
  const all = after.allSeconds - before.allSeconds;
  const others = after.busySeconds - before.busySeconds - (after.ownSeconds - before.ownSeconds);
  const share = (seconds: number) => (all <= 0 ? 0 : Math.min(1, Math.max(0, seconds / all)));
  return {
    otherCpuShare: share(others),
    stolenCpuShare: share(after.stolenSeconds - before.stolenSeconds),
    throttleEvents:
      before.throttled === null || after.throttled === null
        ? null
        : Math.max(0, after.throttled - before.throttled),
  };
}

function countersNow(): Counters | null {
  let text: string;
  try {
    text = readFileSync("/proc/stat", "utf8");
  } catch {
    return null;
  }
  const seconds = cpuSeconds(text);
  const { user, system } = process.cpuUsage();
  return seconds === null ? null : { ...seconds, ownSeconds: (user + system) / 1e6, throttled: throttled() };
}

/** @param text of /proc/stat */
export function cpuSeconds(
  text: string,
): Pick<Counters, "busySeconds" | "stolenSeconds" | "allSeconds"> | null {
  const ticks = /^cpu +(.*)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number);
  if (ticks === undefined || ticks.length < 4 || ticks.some(Number.isNaN)) return null;
  // Time of guests is in user and nice already.
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, stolen = 0] = ticks;
  const busy = user + nice + system + irq + softIrq;
  return {
    busySeconds: busy / TICKS_PER_SECOND,
    stolenSeconds: stolen / TICKS_PER_SECOND,
    allSeconds: (busy + idle + ioWait + stolen) / TICKS_PER_SECOND,
  };
}

/** Of all cores since the machine started; null where it does not count them. */
function throttled(): number | null {
  let sum: number | null = null;
  let cores: string[];
  try {
    cores = readdirSync(CPU_FOLDER).filter((name) => /^cpu\d+$/.test(name));
  } catch {
    return null;
  }
  for (const core of cores) {
    try {
      const text = readFileSync(`${CPU_FOLDER}/${core}/thermal_throttle/core_throttle_count`, "utf8");
      sum = (sum ?? 0) + Number(text);
    } catch {
      // This core counts none.
    }
  }
  return sum;
}
