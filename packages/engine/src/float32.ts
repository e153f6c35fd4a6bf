// Reading a tensor that must be float32.
import type { Tensor } from "@blip-ts/graph";

/** An output of a session by name, as float32. @throws {Error} where the session gave something else: a mistake of ours. */
export function float32Output(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor<"float32"> {
  const tensor = outputs[name];
  if (tensor?.dtype !== "float32")
    throw new Error(`output ${name}: expected float32, found ${tensor?.dtype ?? "nothing"}`);
  return tensor;
}
