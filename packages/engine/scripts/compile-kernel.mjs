// Compiles src/training/kernel/kernel.wat to src/training/kernel/generated/kernel-bytes.ts: WebAssembly as base64,
// which Node, pages and bundlers can all read. Writes the file only if the bytes change.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import loadWabt from "wabt";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = here("../src/training/kernel/kernel.wat");
const target = here("../src/training/kernel/generated/kernel-bytes.ts");

/** Compiles WebAssembly text to the bytes of its module. */
export async function compileKernel(text) {
  const module = (await loadWabt()).parseWat("kernel.wat", text, { simd: true });
  try {
    module.validate();
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

const old = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = await compileKernel(readFileSync(source, "utf8"));
  const text = `// Made of kernel.wat by scripts/compile-kernel.mjs.\nexport const kernelBytes =\n  "${Buffer.from(bytes).toString("base64")}";\n`;
  if (old(target) !== text) writeFileSync(target, text);
}
