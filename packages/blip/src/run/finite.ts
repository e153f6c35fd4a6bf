// Answers are finite. What is not comes of damaged weights, or of numbers too large for the type: it fails its row, and
// is never printed as NaN, null or an empty caption. CrossAttentionOutputs at are the numbers that a network gave, before anything is
// made of them: what a search forbids itself (-Infinity) is added later and is no failure.
//
// All states of an image are looked at, not only what is projected of its first one: in 8 bits a state that is NaN would
// be rounded to some number by the next product, and be gone. At base size these are 443,136 numbers, 0.4 ms beside the
// 400 ms in which they are computed.
import type { Tensor } from "@blip-ts/graph";
import { allFinite, atLeast, BlipError, ModelError, must } from "@blip-ts/base";
import { isNotFinite, notFinite } from "@blip-ts/engine";

/** For each row of a tensor's first dimension: is every number of it finite? */
export function finiteRows({ dims, data }: Tensor<"float32">): boolean[] {
  const [rows] = atLeast(dims, 1);
  const size = rows === 0 ? 0 : data.length / rows;
  return Array.from({ length: rows }, (_, row) => allFinite(data.subarray(row * size, (row + 1) * size)));
}

/**
 * For each row of a tensor what is wrong with it, if anything is.
 * @param model its name, for the message @param what the tensor holds in a row: "the states of the image"
 */
export function failuresOf(
  model: string,
  what: string,
  tensor: Tensor<"float32">,
): readonly (ModelError | undefined)[] {
  return finiteRows(tensor).map((finite) => (finite ? undefined : notFinite(model, what)));
}

/**
 * The tensor, if every number of it is finite.
 * @param what the tensor holds in a row
 * @throws {ModelError} `model/not-finite`, which says in which row
 */
export function expectFinite(model: string, what: string, tensor: Tensor<"float32">): Tensor<"float32"> {
  const row = finiteRows(tensor).indexOf(false);
  if (row >= 0) throw notFinite(model, `${what} ${row + 1} of ${must(tensor.dims, 0)}`);
  return tensor;
}

/** What is made of images or texts: see `EncodedImages`. */
type Encoding = Readonly<Record<"states" | "projections" | "features", Tensor<"float32">>>;

/**
 * Encoded images or texts, if all that was made of them is finite.
 * @throws {ModelError} `model/not-finite`
 */
export function finiteEncoding<Encoded extends Encoding>(
  model: string,
  what: "image" | "text",
  encoded: Encoded,
): Encoded {
  expectFinite(model, `the states of ${what}`, encoded.states);
  expectFinite(model, `the projection of ${what}`, encoded.projections);
  expectFinite(model, `the unit vector of ${what}`, encoded.features);
  return encoded;
}

/** A text as messages name it. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

/**
 * What `work` gives, or an error if the model makes no finite numbers at all.
 * @throws whatever else `work` throws
 */
export async function orNotFinite<T>(work: () => Promise<T>): Promise<T | ModelError> {
  try {
    return await work();
  } catch (error) {
    if (isNotFinite(error)) return error;
    throw error;
  }
}

/** The first of answers about an image, if all of them failed: then the image has one row, and not one for each. */
export function allFailed(answers: readonly unknown[]): BlipError | undefined {
  const [first] = answers;
  return first instanceof BlipError && answers.every((one) => one instanceof BlipError) ? first : undefined;
}
