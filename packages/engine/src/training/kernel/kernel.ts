// The compiled kernel over one memory. Node and pages run the same bytes.
import { adamNumbers, type AdamStep } from "./adam.ts";
import { kernelBytes } from "./generated/kernel-bytes.ts";

/**
 * The kernel's functions. Array positions count in floats from the start of the memory. Positions and lengths are
 * multiples of 4.
 */
export interface Kernel {
  /** One AdamW update of the weights at p by the gradients at g, with the moments at m and v. */
  adamw(p: number, g: number, m: number, v: number, length: number, step: AdamStep): void;
  /** The sum of squares, in double precision. */
  squares(a: number, length: number): number;
  /** a = keep * a + share * b */
  blend(a: number, b: number, length: number, keep: number, share: number): void;
  /** a = share * b */
  scaled(a: number, b: number, length: number, share: number): void;
}

interface Exports {
  adamw(...numbers: number[]): void;
  squares(a: number, length: number): number;
  blend(a: number, b: number, length: number, keep: number, share: number): void;
  scaled(a: number, b: number, length: number, share: number): void;
}

let compiled: WebAssembly.Module | undefined;

/** @throws {WebAssembly.CompileError} if the JavaScript engine has no SIMD; all supported browsers have it */
const moduleOnce = (): WebAssembly.Module =>
  (compiled ??= new WebAssembly.Module(
    Uint8Array.from(atob(kernelBytes), (character) => character.charCodeAt(0)),
  ));

/** The kernel over a memory. Its functions ignore arrays of length 0. */
export function kernelOver(memory: WebAssembly.Memory): Kernel {
  const instance = new WebAssembly.Instance(moduleOnce(), { training: { memory } });
  const exports = instance.exports as unknown as Exports;
  // Addresses above 2 GiB become negative here; the module reads them as unsigned.
  const at = (index: number) => index * 4;
  return {
    adamw(p, g, m, v, length, step) {
      if (length === 0) return;
      const { scale, mix1, beta2, mix2, root, eps, size, keep } = adamNumbers(step);
      const numbers = [scale, mix1, beta2, mix2, root, eps, size, keep];
      exports.adamw(at(p), at(g), at(m), at(v), length, ...numbers);
    },
    squares: (a, length) => (length === 0 ? 0 : exports.squares(at(a), length)),
    blend(a, b, length, keep, share) {
      if (length > 0) exports.blend(at(a), at(b), length, keep, share);
    },
    scaled(a, b, length, share) {
      if (length > 0) exports.scaled(at(a), at(b), length, share);
    },
  };
}
