// Reads a tensor that must be float32.
import type { Tensor } from "@blip-ts/graph";

/** A session's output as float32. @throws {Error} if it has another type: a bug in this package */
export function float32Output(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor<"float32"> {
  const tensor = outputs[name];
  if (tensor?.dtype !== "float32")
    throw new Error(`output ${name}: expected float32, got ${tensor?.dtype ?? "nothing"}`);
  return tensor;
}
