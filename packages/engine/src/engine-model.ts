// Converts a graph and a checkpoint's tensors to a model that an engine can load. Weights in files stay byte ranges of
// those files. Only strided weights, and weights that are not in files, are read into memory.
import { emitOnnx, type EmitOptions, type Graph, type WeightLocation } from "@blip-ts/graph";
import { readTensorBytes, type StoredTensor } from "@blip-ts/checkpoint";
import type { EngineModel, ExternalBytes } from "./engine.ts";

/** The folders in a path. Paths are real ones, so they are absolute. */
function foldersOf(path: string): string[] {
  return path.split(/[/\\]/).slice(0, -1);
}

/** The deepest folder that contains all the files. ONNX Runtime refuses a location outside its folder. */
export function commonFolder(paths: readonly string[]): string {
  const [first = [], ...others] = paths.map(foldersOf);
  const length = others.reduce((shared, folders) => {
    const differing = folders.findIndex((folder, index) => folder !== first[index]);
    return Math.min(shared, differing < 0 ? folders.length : differing);
  }, first.length);
  const separator = paths[0]?.includes("\\") ? "\\" : "/";
  return first.slice(0, length).join(separator) || separator;
}

/**
 * Makes the ONNX model of a graph with the weights in `tensors`, keyed by the graph's names.
 * @param onRead called with the bytes of each weight that is read into memory
 * @throws {ModelError} if bytes that must be in memory cannot be read
 */
export async function toEngineModel(
  graph: Graph,
  tensors: ReadonlyMap<string, StoredTensor>,
  emit: EmitOptions = {},
  onRead?: (name: string, bytes: Uint8Array<ArrayBuffer>) => void,
): Promise<EngineModel> {
  const used = [...new Set(graph.weights.map(({ name }) => name))].map((name) => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new Error(`the graph ${graph.name} uses ${name}, which the checkpoint was not required to have`);
    return { name, tensor };
  });
  // ONNX Runtime takes a model's external data from files or from memory, but not from both.
  const inFiles = used.every(({ tensor: { source, strides } }) => source.path !== undefined && !strides);
  const paths = inFiles ? used.flatMap(({ tensor }) => tensor.source.path ?? []) : [];
  const folder = paths.length > 0 ? commonFolder(paths) : undefined;

  if (!inFiles) announce(used.map(({ tensor }) => tensor));
  const locations = new Map<string, WeightLocation>();
  const external: ExternalBytes[] = [];
  for (const [index, { name, tensor }] of used.entries()) {
    const { source, offset } = tensor;
    if (source.path !== undefined && folder !== undefined) {
      const location = source.path.slice(folder.length).replace(/^[/\\]+/, "");
      locations.set(name, { location, offset, dtype: weightType(tensor) });
    } else {
      const location = `memory/${index}`;
      const data = await readTensorBytes(tensor);
      onRead?.(name, data);
      external.push({ location, data });
      locations.set(name, { location, offset: 0, dtype: weightType(tensor) });
    }
  }
  const locate = (name: string): WeightLocation => {
    const location = locations.get(name);
    if (!location) throw new Error(`${name} has no location`);
    return location;
  };
  return {
    onnx: emitOnnx(graph, locate, emit),
    external,
    ...(folder !== undefined && { folder }),
    ...(graph.nodes.some(({ kind }) => kind === "quantizedLinear") && { signedProducts: true }),
  };
}

/** Announces to each source the ranges to be read. */
function announce(tensors: readonly StoredTensor[]): void {
  for (const source of new Set(tensors.map((tensor) => tensor.source))) {
    const ranges = tensors.filter((tensor) => tensor.source === source);
    source.announce?.(ranges.map(({ offset, byteLength }) => ({ offset, length: byteLength })));
  }
}

/** The type of a weight in its file. Weights are floating point or 8-bit integers; other types are refused. */
export function weightType({ name, dtype }: StoredTensor): WeightLocation["dtype"] {
  switch (dtype) {
    case "float32":
    case "float16":
    case "bfloat16":
    case "float64":
    case "int8":
    case "uint8":
      return dtype;
    default:
      throw new Error(`${name} has type ${dtype}, which weights cannot have`);
  }
}
