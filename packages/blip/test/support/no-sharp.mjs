// A loader that makes sharp's native library fail to load, as on a system without a prebuilt binary.
import { register } from "node:module";

const hooks = `
export async function resolve(specifier, context, next) {
  if (specifier !== "sharp") return next(specifier, context);
  const text = 'throw new Error("Could not load the \\\\"sharp\\\\" module using the linuxmusl-x64 runtime")';
  return { url: "data:text/javascript," + encodeURIComponent(text), shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
