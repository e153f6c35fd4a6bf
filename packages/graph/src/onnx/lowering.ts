// What a lowering is, and what most of them use.
import type { NodeOf, OpKind } from "../graph.ts";
import type { Emitter } from "./emitter.ts";

/** Writes a node's ONNX nodes; the last one's output is called `output`. */
export type Lowering<K extends OpKind> = (emit: Emitter, node: NodeOf<K>, output: string) => void;

export const inputNames = (emit: Emitter, node: NodeOf<OpKind>) =>
  node.inputs.map((value) => emit.nameOf(value));

/** An operation that ONNX has under the name `opType`, with the same inputs and no attributes. */
export const same =
  (opType: string, domain = "") =>
  (emit: Emitter, node: NodeOf<OpKind>, output: string): void => {
    emit.node(opType, inputNames(emit, node), { output, domain });
  };
