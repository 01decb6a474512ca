/** Four xoshiro128++ generators side by side, as WASM runs them in one vector (Blackman and Vigna, 2021). */

/** State words for a seed and node: word w of lane l at w × 4 + l, from splitmix32. */
export function seedLanes(seed: number, node: number): Uint32Array {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca77)) >>> 0;
  state = (state + Math.imul(node + 1, 0x632be5ab)) >>> 0;
  return Uint32Array.from({ length: 16 }, () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  });
}

export class RandomLanes {
  private readonly state: Uint32Array;
  private readonly result = new Uint32Array(4);

  constructor(seeds: Uint32Array) {
    this.state = Uint32Array.from(seeds);
  }

  /** Steps every lane. */
  step(): void {
    const s = this.state;
    for (let lane = 0; lane < 4; lane++) {
      const s0 = s[lane] ?? 0;
      const s1 = s[4 + lane] ?? 0;
      const s2 = (s[8 + lane] ?? 0) ^ s0;
      const s3 = (s[12 + lane] ?? 0) ^ s1;
      this.result[lane] = rotl(s0 + (s[12 + lane] ?? 0), 7) + s0;
      s[4 + lane] = s1 ^ s2;
      s[lane] = s0 ^ s3;
      s[8 + lane] = s2 ^ (s1 << 9);
      s[12 + lane] = rotl(s3, 11);
    }
  }

  /** Output of a lane's last step, 32 bits. */
  lane(lane: number): number {
    return this.result[lane] ?? 0;
  }
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}
