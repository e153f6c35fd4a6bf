// The kernel as plain loops over an array. kernel.wat is tested against it. `Math.fround` after every operation gives
// float32 arithmetic, but makes this slow.
import { adamNumbers } from "./adam.ts";
import type { Kernel } from "./kernel.ts";
import { must } from "@blip-ts/base";

const f = Math.fround;

/** @param floats the memory, as floats */
export function plainKernel(floats: Float32Array): Kernel {
  const get = (index: number) => must(floats, index, "floats of the memory");
  return {
    adamw(p, g, m, v, length, step) {
      const { scale, mix1, beta2, mix2, root, eps, size, keep } = adamNumbers(step);
      for (let i = 0; i < length; i++) {
        const gradient = f(f(scale) * get(g + i));
        const first = f(get(m + i) + f(f(mix1) * f(gradient - get(m + i))));
        const second = f(f(f(beta2) * get(v + i)) + f(f(f(mix2) * gradient) * gradient));
        floats[m + i] = first;
        floats[v + i] = second;
        const under = f(f(f(Math.sqrt(second)) / f(root)) + f(eps));
        floats[p + i] = f(f(f(keep) * get(p + i)) - f(f(f(size) * first) / under));
      }
    },
    squares(a, length) {
      const sums = [0, 0, 0, 0];
      for (let i = 0; i < length; i++) sums[i % 4] = must(sums, i % 4) + get(a + i) ** 2;
      return must(sums, 0) + must(sums, 2) + (must(sums, 1) + must(sums, 3));
    },
    blend(a, b, length, keep, share) {
      for (let i = 0; i < length; i++) floats[a + i] = f(f(f(keep) * get(a + i)) + f(f(share) * get(b + i)));
    },
    scaled(a, b, length, share) {
      for (let i = 0; i < length; i++) floats[a + i] = f(f(share) * get(b + i));
    },
  };
}
