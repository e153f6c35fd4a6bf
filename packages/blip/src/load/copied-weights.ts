// Weights in memory instead of mapped files, for users who overwrite model files in place while they are in use.
import { quantizedMatrices, memorySource, readTensorBytes, type StoredTensor } from "@blip-ts/checkpoint";

type Tensors = ReadonlyMap<string, StoredTensor>;

/**
 * The same tensors, with those that graphs read held in memory. Each is read once, and all are read before this
 * returns.
 * @param required names of the weights of float32 graphs; their converted forms are read in their place
 * @throws {ModelError} if they cannot be read, or the file changes meanwhile @throws the signal's reason
 */
export async function copiedTensors(
  tensors: Tensors,
  required: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Tensors> {
  const replaced = quantizedMatrices(tensors.keys());
  const copied = new Map(tensors);
  const known = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const { source, offset, dtype, shape, byteLength, strides } = tensor;
    const isRead = required.has(name) ? !replaced.has(name) : isConverted(name);
    if (!isRead || source.path === undefined) continue;
    signal?.throwIfAborted();
    // Tied tensors are read once.
    const tensorPlace = [source.path, offset, dtype, byteLength, strides?.join(",")].join(" ");
    const before = known.get(tensorPlace);
    const bytes = before ? undefined : await readTensorBytes(tensor);
    const copy: StoredTensor = {
      ...{ name: tensor.name, dtype, shape, byteLength, offset: 0 },
      source: before?.source ?? memorySource(source.name, bytes ?? new Uint8Array(0)),
    };
    known.set(tensorPlace, copy);
    copied.set(name, copy);
  }
  return copied;
}

/** Whether the name belongs to an 8-bit matrix. Half-precision tensors keep the original names. */
const isConverted = (name: string): boolean => quantizedMatrices([name]).size > 0;
