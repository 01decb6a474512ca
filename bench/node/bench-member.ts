/** Members of an array that only benchmarks use: as a node's task names them, and the slots that nodes read. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { TaskMember } from "../../src/cluster/node-task.js";
import { serializeBitmapSuperblock } from "../../src/ondisk/bitmap-superblock.js";
import {
  DAEMON_SLEEP_SECONDS,
  type NewArray,
  newBitmapSuperblock,
  newMdSuperblock,
} from "../../src/ondisk/new-array.js";
import { pageSector, SECTOR_BYTES, type SlotGeometry } from "../../src/ondisk/slot-geometry.js";

const UUID_BYTES = 16;

export function benchMembers(paths: readonly string[], geometry: SlotGeometry): TaskMember[] {
  const { dataOffsetSectors, syncSizeSectors, logicalBlockBytes } = geometry;
  const array = benchArray(paths.length, geometry);
  return paths.map((path, device) => {
    const deviceUuid = new Uint8Array(UUID_BYTES).fill(device + 2);
    return {
      path,
      dataOffsetBytes: dataOffsetSectors * SECTOR_BYTES,
      logicalBlockBytes,
      superblock: newMdSuperblock(array, device, deviceUuid, dataOffsetSectors + syncSizeSectors),
    };
  });
}

/** No bit is set in any of them. */
export function writeSlotSuperblocks(paths: readonly string[], geometry: SlotGeometry): void {
  const superblock = serializeBitmapSuperblock(newBitmapSuperblock(benchArray(paths.length, geometry)));
  for (const path of paths) {
    const descriptor = openSync(path, "r+");
    for (let slot = 0; slot < geometry.nodes; slot++) {
      const offsetBytes = pageSector(geometry, slot, 0) * SECTOR_BYTES;
      writeSync(descriptor, superblock, 0, superblock.length, offsetBytes);
    }
    closeSync(descriptor);
  }
}

function benchArray(raidDisks: number, geometry: SlotGeometry): NewArray {
  const { chunkBytes, dataOffsetSectors, syncSizeSectors, nodes } = geometry;
  const componentSectors = syncSizeSectors;
  return {
    placement: { chunkBytes, dataOffsetSectors, componentSectors, syncSizeSectors, raidChunkSectors: 0 },
    level: 1,
    raidDisks,
    faultyDevices: [],
    nodes,
    clusterName: "bench",
    setUuid: new Uint8Array(UUID_BYTES).fill(1),
    setName: "bench",
    createdSeconds: 0,
    assumeClean: true,
    daemonSleepSeconds: DAEMON_SLEEP_SECONDS,
  };
}
