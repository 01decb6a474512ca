/** The part of WebAssembly that `hotpath-module.ts` uses; Node's types leave it to the DOM's, which slotmark does not load. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory; abort: () => void } });
    readonly exports: unknown;
  }
  interface Global {
    readonly value: number;
  }
}
