// Copies weights into memory instead of mapping files, for users who overwrite model files while they are in use.
import { quantizedMatrices, memorySource, readTensorBytes, type StoredTensor } from "@blip-ts/checkpoint";

type Tensors = ReadonlyMap<string, StoredTensor>;

/**
 * Returns the same tensors, with copies in memory of all tensors that graphs read. Reads each tensor once.
 * @param required names of the weights of float32 graphs; their converted forms, if any, are read instead
 * @throws {ModelError} if a tensor cannot be read, or its file changes while it is read @throws the signal's reason
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
    // Read tied tensors once.
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

/** Whether a name is that of an 8-bit matrix. Half-precision tensors keep their original names. */
const isConverted = (name: string): boolean => quantizedMatrices([name]).size > 0;
