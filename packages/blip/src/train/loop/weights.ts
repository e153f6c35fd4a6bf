// Copies weights between files and the memory of the training session, one tensor at a time.
import { floatsOf, readTensorBytes, type MadeTensor, type StoredTensor } from "@blip-ts/checkpoint";
import type { Parameter, ParameterArray, TrainingSession } from "@blip-ts/engine";
import { elementSize, sizeOf, type Tensor } from "@blip-ts/graph";
import type { StateFacts } from "../checkpoint/state.ts";
import { missingWeight, otherState, wrongWeight } from "../errors.ts";
import type { TrainingPlan } from "../step/plan.ts";

const sameDims = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/** Reads a tensor into an array whose buffer may be transferred to a thread. */
async function floats(tensor: StoredTensor): Promise<Float32Array<ArrayBuffer>> {
  const read = floatsOf(await readTensorBytes(tensor), tensor);
  return read.buffer instanceof ArrayBuffer
    ? new Float32Array(read.buffer, read.byteOffset, read.length)
    : read.slice();
}

/**
 * Writes the initial weights. A follower without its own weight starts as a copy of the weight that it follows.
 * @throws {ModelError} `train/weight`
 */
export async function writeWeights(
  { parameters, still }: TrainingPlan,
  session: TrainingSession,
  weights: ReadonlyMap<string, StoredTensor>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const name of still) if (!weights.has(name)) throw missingWeight(name);
  for (const { name, dims, role } of parameters) {
    signal?.throwIfAborted();
    const tensor = weights.get(name) ?? (role.kind === "follower" ? weights.get(role.of) : undefined);
    if (!tensor) throw missingWeight(name);
    if (!sameDims(tensor.shape, dims)) throw wrongWeight(name, dims, tensor.shape);
    await session.write(name, "weight", await floats(tensor));
  }
}

/** The array's bytes: little-endian as in safetensors, because all platforms of ONNX Runtime are little-endian. */
const bytesOf = (data: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const made = (shape: readonly number[], read: () => Promise<Float32Array<ArrayBuffer>>): MadeTensor => ({
  ...{ dtype: "float32", shape, byteLength: sizeOf(shape) * 4 },
  async *bytes() {
    yield bytesOf(await read());
  },
});

export function exportTensors(
  { parameters }: TrainingPlan,
  read: (name: string) => Promise<Float32Array<ArrayBuffer>>,
): Map<string, MadeTensor> {
  return new Map(parameters.map(({ name, dims }) => [name, made(dims, () => read(name))]));
}

const arraysOf = ({ role }: Parameter): readonly ParameterArray[] =>
  role.kind === "trained" ? ["weight", "first", "second"] : ["weight"];

/** The tensor types that an objective's state may have. */
const stateTypes = ["float32", "int64", "int32", "uint8", "bool"] as const;

/** All tensors that a run needs to resume. */
export function stateTensors(
  { parameters }: TrainingPlan,
  session: TrainingSession,
  others: Readonly<Record<string, Tensor>>,
): Map<string, MadeTensor> {
  const all = new Map<string, MadeTensor>();
  for (const parameter of parameters)
    for (const array of arraysOf(parameter))
      all.set(
        `${array} ${parameter.name}`,
        made(parameter.dims, () => session.read(parameter.name, array)),
      );
  for (const [name, { dtype, dims, data }] of Object.entries(others)) {
    const known = stateTypes.find((type) => type === dtype);
    if (!known) throw new Error(`the objective's state ${name} is ${dtype}, which no state holds`);
    const copy = bytesOf(data.slice());
    all.set(`objective ${name}`, {
      ...{ dtype: known, shape: dims, byteLength: copy.byteLength },
      async *bytes() {
        yield await Promise.resolve(copy);
      },
    });
  }
  return all;
}

async function tensorOf(tensor: StoredTensor): Promise<Tensor> {
  const { dtype, shape: dims } = tensor;
  const bytes = await readTensorBytes(tensor);
  const { buffer } = bytes.byteOffset === 0 ? bytes : bytes.slice();
  const length = bytes.byteLength / (dtype === "int16" ? 2 : elementSize[dtype]);
  switch (dtype) {
    case "float32":
      return { dtype, dims, data: new Float32Array(buffer, 0, length) };
    case "int64":
      return { dtype, dims, data: new BigInt64Array(buffer, 0, length) };
    case "int32":
      return { dtype, dims, data: new Int32Array(buffer, 0, length) };
    case "uint8":
    case "bool":
      return { dtype, dims, data: new Uint8Array(buffer, 0, length) };
    default:
      throw new Error(`${tensor.name} is ${dtype}, which no state holds`);
  }
}

/**
 * Restores a state's tensors. If any tensor does not fit this run, writes none of them.
 * @returns the objective's own tensors
 * @throws {ModelError} `train/state`
 */
export async function restoreTensors(
  folder: string,
  { objective, plan }: { readonly objective: string; readonly plan: TrainingPlan },
  facts: StateFacts,
  tensors: ReadonlyMap<string, StoredTensor>,
  { session, signal }: { readonly session: TrainingSession; readonly signal?: AbortSignal | undefined },
): Promise<Record<string, Tensor>> {
  if (facts.objective !== objective) throw otherState(folder, "objective", objective, facts.objective);
  const expected = new Map<string, { readonly parameter: Parameter; readonly array: ParameterArray }>(
    plan.parameters.flatMap((parameter) =>
      arraysOf(parameter).map((array) => [`${array} ${parameter.name}`, { parameter, array }] as const),
    ),
  );
  for (const [name, { parameter }] of expected) {
    const tensor = tensors.get(name);
    if (!tensor) throw otherState(folder, name, `[${parameter.dims.join(", ")}]`, "nothing");
    if (tensor.dtype !== "float32" || !sameDims(tensor.shape, parameter.dims))
      throw otherState(
        folder,
        name,
        `float32 [${parameter.dims.join(", ")}]`,
        `${tensor.dtype} [${tensor.shape.join(", ")}]`,
      );
  }
  const own = "objective ";
  const others: Record<string, Tensor> = {};
  for (const [name, tensor] of tensors) {
    if (name.startsWith(own)) others[name.slice(own.length)] = await tensorOf(tensor);
    else if (!expected.has(name))
      throw otherState(folder, name, "no such tensor", `[${tensor.shape.join(", ")}]`);
  }
  signal?.throwIfAborted();
  for (const [name, { parameter, array }] of expected) {
    const tensor = tensors.get(name);
    if (tensor) await session.write(parameter.name, array, await floats(tensor));
  }
  return others;
}
