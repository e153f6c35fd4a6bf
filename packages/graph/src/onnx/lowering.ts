// The type of a lowering, and helpers that most of them use.
import type { NodeOf, OpKind } from "../graph.ts";
import type { Emitter } from "./emitter.ts";

/** Writes a node as ONNX nodes. The last one's output has the name `output`. */
export type Lowering<K extends OpKind> = (emit: Emitter, node: NodeOf<K>, output: string) => void;

export const inputNames = (emit: Emitter, node: NodeOf<OpKind>) =>
  node.inputs.map((value) => emit.nameOf(value));

/** The lowering of an operation that ONNX has as `opType`, with the same inputs and no attributes. */
export const same =
  (opType: string, domain = "") =>
  (emit: Emitter, node: NodeOf<OpKind>, output: string): void => {
    emit.node(opType, inputNames(emit, node), { output, domain });
  };
