/**
 * Memory that O_DIRECT accepts. A Node Buffer may begin at any address and gives EINVAL; WebAssembly linear memory is
 * page-aligned (spec hot-path.md, "I/O").
 */
const WASM_PAGE_BYTES = 65_536;

interface LinearMemory {
  readonly buffer: ArrayBuffer;
}
interface WebAssemblyNamespace {
  readonly Memory: new (limits: { initial: number; maximum: number }) => LinearMemory;
}

/** Zeroed, page-aligned bytes; at least `lengthBytes` of them. */
export function directMemory(lengthBytes: number): Uint8Array {
  // The compiler's library for Node alone does not declare WebAssembly.
  const { Memory } = Reflect.get(globalThis, "WebAssembly") as WebAssemblyNamespace;
  const pages = Math.max(1, Math.ceil(lengthBytes / WASM_PAGE_BYTES));
  return new Uint8Array(new Memory({ initial: pages, maximum: pages }).buffer);
}
