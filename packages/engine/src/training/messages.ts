// What a training session and its thread say to each other.
import type { PlainError } from "@blip-ts/base";
import type { ParameterGradient, Tensor } from "@blip-ts/graph";
import type { EngineModel } from "../engine.ts";
import type { Parameter, ParameterArray, PlaceOptions } from "./places.ts";
import type { Updated, UpdateSettings } from "./training-memory.ts";

/**
 * How gradients get to their places. `sequence`: ONNX Runtime writes them there, and a first output that it cannot
 * convert keeps it from copying all of them once more. `preallocated`: it writes them there, and copies them. `fresh`: it
 * gives new arrays, which are copied there.
 */
export type OutputMode = "sequence" | "preallocated" | "fresh";

/** The name of the output that only stops ONNX Runtime's conversion of outputs. */
export const sequenceOutput = "sequence";

/** An output that is not the gradient of a whole parameter. */
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

/** Two-node models in which an output "y" is the square of an input "x", [N] float32. */
export interface Probes {
  readonly plain: Uint8Array<ArrayBuffer>;
  /** With an output "sequence" before the other. */
  readonly sequence: Uint8Array<ArrayBuffer>;
}

/** How the gradients of a run count in the sum of several: not at all if it is absent. */
export interface Share {
  readonly share: number;
  /** Is it the first of the sum? */
  readonly first: boolean;
}

export interface TrainingCalls {
  /** Answers how gradients are handed over. */
  open: {
    request: {
      readonly parameters: readonly Parameter[];
      readonly places: PlaceOptions;
      readonly threads: number | undefined;
      readonly probes: Probes;
      /** Tries nothing else. */
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
      /** The outputs that the caller wants. */
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
