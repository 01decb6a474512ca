/** Eight xoshiro128++ generators side by side, as WASM runs them in two vectors (Blackman and Vigna, 2021). */

/** State words for a seed and node, from splitmix32: word w of lane l of vector v at v × 16 + w × 4 + l. */
export function seedLanes(seed: number, node: number): Uint32Array {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca77)) >>> 0;
  state = (state + Math.imul(node + 1, 0x632be5ab)) >>> 0;
  return Uint32Array.from({ length: 32 }, () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  });
}

export class RandomLanes {
  private readonly state: Uint32Array;
  private readonly result = new Uint32Array(8);

  constructor(seeds: Uint32Array) {
    this.state = Uint32Array.from(seeds);
  }

  /** Steps every lane. */
  step(): void {
    const s = this.state;
    for (let lane = 0; lane < 8; lane++) {
      const at = (lane >> 2) * 16 + (lane & 3);
      const s0 = s[at] ?? 0;
      const s1 = s[at + 4] ?? 0;
      const s2 = (s[at + 8] ?? 0) ^ s0;
      const s3 = (s[at + 12] ?? 0) ^ s1;
      this.result[lane] = rotl(s0 + (s[at + 12] ?? 0), 7) + s0;
      s[at + 4] = s1 ^ s2;
      s[at] = s0 ^ s3;
      s[at + 8] = s2 ^ (s1 << 9);
      s[at + 12] = rotl(s3, 11);
    }
  }

  /** Output of a lane's last step, 32 bits; lanes 0 to 3 are of the first vector. */
  lane(lane: number): number {
    return this.result[lane] ?? 0;
  }
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}
