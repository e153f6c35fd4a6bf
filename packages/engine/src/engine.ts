// The small interface over ONNX Runtime that other packages use. Platforms implement it.
import { optionNames, type Closable, type OwnBytes } from "@blip-ts/base";
import type { DType, Tensor } from "@blip-ts/graph";

/** Bytes in memory that a model refers to by a location. */
export interface ExternalBytes {
  /** The name in the model. */
  readonly location: string;
  /** The bytes. */
  readonly data: OwnBytes;
}

/** A serialized ONNX model and the place of its weights. */
export interface EngineModel {
  /** The ONNX model. Its weights may be in `external`. */
  readonly onnx: OwnBytes;
  /** The folder for relative file locations; absent if no weight is in a file. */
  readonly folder?: string;
  /** The bytes that the model refers to. */
  readonly external: readonly ExternalBytes[];
  /** Whether the model multiplies 8-bit numbers by signed weights, which overflows on some processors. */
  readonly signedProducts?: boolean;
}

/** Options of a call. */
export interface RunOptions {
  /** A signal that rejects the call at once. Work that has started runs to its end, and its result is discarded. */
  readonly signal?: AbortSignal | undefined;
}

export const runOptionNames = optionNames<RunOptions>()({ signal: true });

export interface CallOptions extends RunOptions {
  /**
   * Names of inputs whose buffers the engine may transfer instead of copying. The caller must not use them afterwards.
   */
  readonly transfer?: readonly string[] | undefined;
}

/** Options of a session. */
export interface SessionOptions extends RunOptions {
  /** Sessions of one group run one after another and can pass resident tensors to each other. */
  readonly group?: string | undefined;
  /** The outputs that `runRetaining` may retain. On a device, they stay in its memory. */
  readonly retain?: readonly string[] | undefined;
  /**
   * Whether the engine repacks weights for its products. Default: true. With false, weights are used in the file's
   * layout if the engine supports that. Packing takes time and the weights' size in memory once more. It gains little
   * if products have hundreds of rows, or if there are few products.
   */
  readonly prepack?: boolean | undefined;
  /** The session's name in a profile. */
  readonly name?: string | undefined;
}

/** A tensor that stays where the engine computed it, until it is released or its engine is closed. */
export interface ResidentTensor {
  /** The tensor's number in the engine. */
  readonly resident: number;
  /** Its element type. */
  readonly dtype: DType;
  /** Its sizes. */
  readonly dims: readonly number[];
  /** Whether the tensor is in a device's memory instead of the processor's. */
  readonly onDevice: boolean;
}

/** The inputs of a run: tensors, or resident tensors from a session of the same group. */
export type Feeds = Readonly<Record<string, Tensor | ResidentTensor>>;

/** The result of a call that retains outputs. */
export interface RetainedOutputs {
  /** The returned outputs. */
  readonly tensors: Record<string, Tensor>;
  /** The outputs that stay in the engine until they are released. */
  readonly retained: Record<string, ResidentTensor>;
}

/** A loaded model. */
export interface EngineSession extends Closable {
  /** Whether the session's thread has ended, so that no call can succeed. Absent in engines without threads. */
  readonly ended?: boolean;
  /** Computes outputs from inputs, both keyed by their names in the graph. @throws the signal's reason */
  run(feeds: Feeds, options?: CallOptions): Promise<Record<string, Tensor>>;
  /**
   * Runs, and keeps the outputs named in `retain` in the engine instead of copying them to the caller. The session must
   * have been created to retain them.
   */
  runRetaining(feeds: Feeds, retain: readonly string[], options?: RunOptions): Promise<RetainedOutputs>;
  /** Frees retained tensors. */
  release(tensors: readonly ResidentTensor[]): void;
}

/** Executes models, outside the caller's event loop. */
export interface Engine extends Closable {
  /** Makes a session of a model. @throws {ModelError} `model/engine` if ONNX Runtime refuses it */
  createSession(model: EngineModel, options?: SessionOptions): Promise<EngineSession>;
}
