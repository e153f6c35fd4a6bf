// The messages between a training session and its thread.
import type { PlainError } from "@blip-ts/base";
import type { ParameterGradient, Tensor } from "@blip-ts/graph";
import type { EngineModel } from "../engine.ts";
import type { Parameter, ParameterArray, PlaceOptions } from "./places.ts";
import type { Updated, UpdateSettings } from "./training-memory.ts";

/**
 * The way gradients reach their place in memory.
 * - `sequence`: ONNX Runtime writes them in place. A first output that it cannot convert prevents another copy of all
 *   of them.
 * - `preallocated`: ONNX Runtime writes them in place, and also copies them.
 * - `fresh`: ONNX Runtime returns new arrays, which are copied into place.
 */
export type OutputMode = "sequence" | "preallocated" | "fresh";

/** The name of the output whose only purpose is to stop ONNX Runtime's conversion of outputs. */
export const sequenceOutput = "sequence";

/** An output other than the gradient of a whole parameter. */
export interface OutputType {
  readonly name: string;
  readonly dtype: "float32" | "int64";
  readonly dims: readonly number[];
}

export interface TrainingGraphModel {
  readonly model: EngineModel;
  /** The inputs that are parameters. */
  readonly parameters: readonly string[];
  readonly gradients: readonly ParameterGradient[];
}

/** Two-node models whose output "y" is the square of the input "x", [N] float32. */
export interface Probes {
  readonly plain: Uint8Array<ArrayBuffer>;
  /** The same model with an output "sequence" before "y". */
  readonly sequence: Uint8Array<ArrayBuffer>;
}

/** The weight of a run's gradients in a sum over several runs. Without a share, they are not summed. */
export interface Share {
  readonly share: number;
  /** Whether this run starts the sum. */
  readonly first: boolean;
}

export interface TrainingCalls {
  /** Opens the session. The result tells how gradients reach their place. */
  open: {
    request: {
      readonly parameters: readonly Parameter[];
      readonly places: PlaceOptions;
      readonly threads: number | undefined;
      readonly probes: Probes;
      /** Uses this mode without trying others. */
      readonly outputs: OutputMode | undefined;
    };
    result: { readonly outputs: OutputMode; readonly bytes: number };
  };
  graph: { request: { readonly name: string } & TrainingGraphModel; result: undefined };
  run: {
    request: {
      readonly graph: string;
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly outputs: readonly OutputType[];
      /** The outputs to return. */
      readonly wanted: readonly string[];
      readonly share: Share | undefined;
    };
    result: Record<string, Tensor>;
  };
  update: { request: UpdateSettings; result: Updated };
  follow: { request: { readonly momentum: number }; result: undefined };
  write: {
    request: {
      readonly name: string;
      readonly array: ParameterArray;
      readonly values: Float32Array<ArrayBuffer>;
    };
    result: undefined;
  };
  read: {
    request: { readonly name: string; readonly array: ParameterArray };
    result: Float32Array<ArrayBuffer>;
  };
  close: { request: object; result: undefined };
}

export type TrainingKind = keyof TrainingCalls;

export type TrainingRequest = {
  [K in TrainingKind]: { readonly id: number; readonly kind: K; readonly body: TrainingCalls[K]["request"] };
}[TrainingKind];

export interface TrainingFailure {
  readonly message: string;
  /** The error, if it is one of this package's. */
  readonly known?: PlainError | undefined;
}

export interface TrainingReply {
  readonly id: number;
  readonly result?: TrainingCalls[TrainingKind]["result"];
  readonly failure?: TrainingFailure | undefined;
}
