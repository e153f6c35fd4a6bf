// The small interface over ONNX Runtime that the rest of the package knows. Platforms implement it.
import { optionNames, type Closable, type OwnBytes } from "@blip-ts/base";
import type { DType, Tensor } from "@blip-ts/graph";

/** Bytes that a model refers to and that are in memory, by the location that the model names. */
export interface ExternalBytes {
  /** Name by which the model refers to them. */
  readonly location: string;
  /** The bytes. */
  readonly data: OwnBytes;
}

/** A serialized ONNX model and where its weights lie. */
export interface EngineModel {
  /** An ONNX model, whose weights may be in `external`. */
  readonly onnx: OwnBytes;
  /** The folder to which locations of files are relative; absent where no weight is in a file. */
  readonly folder?: string;
  /** Bytes that the model names. */
  readonly external: readonly ExternalBytes[];
  /** Does it multiply 8-bit numbers by signed weights, which overflows on some processors? */
  readonly signedProducts?: boolean;
}

/** How a call waits. */
export interface RunOptions {
  /** Rejects the call at once; work that has begun is finished and thrown away. */
  readonly signal?: AbortSignal | undefined;
}

export const runOptionNames = optionNames<RunOptions>()({ signal: true });

export interface CallOptions extends RunOptions {
  /** Inputs whose buffers the engine may transfer instead of copying them: the caller has no more use for them. */
  readonly transfer?: readonly string[] | undefined;
}

/** How a session is made. */
export interface SessionOptions extends RunOptions {
  /** Sessions of one group are run one after another, and can hand resident tensors to each other. */
  readonly group?: string | undefined;
  /** The outputs that `runRetaining` may retain: on a device they stay in its memory. */
  readonly retain?: readonly string[] | undefined;
  /**
   * Default true: the engine packs weights anew for its products. With false they are used as they lie in the file, if the
   * engine can: packing takes long and their size in memory once more, and gains little if products have hundreds of rows
   * or are few.
   */
  readonly prepack?: boolean | undefined;
  /** What the session is called where a person reads of it: in a profile. */
  readonly name?: string | undefined;
}

/** A tensor that stays where the engine computed it. It is retained until it is released, or its engine is closed. */
export interface ResidentTensor {
  /** The tensor's number in the engine. */
  readonly resident: number;
  /** Its element type. */
  readonly dtype: DType;
  /** Its sizes. */
  readonly dims: readonly number[];
  /** Does it lie in the memory of a device, not in the processor's? */
  readonly onDevice: boolean;
}

/** What a session reads: numbers, or a tensor that a session of its group retained. */
export type Feeds = Readonly<Record<string, Tensor | ResidentTensor>>;

/** What a call gives that keeps outputs in the engine. */
export interface RetainedOutputs {
  /** Outputs that came back. */
  readonly tensors: Record<string, Tensor>;
  /** Outputs that stay in the engine until they are released. */
  readonly retained: Record<string, ResidentTensor>;
}

/** A model that is loaded and can be run. */
export interface EngineSession extends Closable {
  /** Is its thread gone? Then no call succeeds any more; engines without threads leave it out. */
  readonly ended?: boolean;
  /** Computes outputs from inputs, each by its name in the graph. @throws the signal's reason */
  run(feeds: Feeds, options?: CallOptions): Promise<Record<string, Tensor>>;
  /**
   * Runs, and retains the outputs named in `retain` in the engine: they are not copied to the caller. They are among
   * those that the session was created to retain.
   */
  runRetaining(feeds: Feeds, retain: readonly string[], options?: RunOptions): Promise<RetainedOutputs>;
  /** Frees retained tensors. */
  release(tensors: readonly ResidentTensor[]): void;
}

/** What executes models. Its work is done outside of the caller's event loop. */
export interface Engine extends Closable {
  /** A session of a model. @throws {ModelError} `model/engine` if ONNX Runtime refuses it */
  createSession(model: EngineModel, options?: SessionOptions): Promise<EngineSession>;
}
