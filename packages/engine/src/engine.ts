// The small interface over ONNX Runtime that the rest of the package knows. Platforms implement it.
import type { Closable, OwnBytes } from "@blip-ts/base";
import type { DType, Tensor } from "@blip-ts/graph";

/** Bytes that a model refers to and that are in memory, by the location that the model names. */
export interface ExternalBytes {
  readonly location: string;
  readonly data: OwnBytes;
}

/** A serialized ONNX model and where its weights lie. */
export interface EngineModel {
  readonly onnx: OwnBytes;
  /** The folder to which locations of files are relative; absent where no weight is in a file. */
  readonly folder?: string;
  readonly external: readonly ExternalBytes[];
  /** Does it multiply 8-bit numbers by signed weights, which overflows on some processors? */
  readonly signedProducts?: boolean;
}

export interface RunOptions {
  /** Rejects the call at once; work that has begun is finished and thrown away. */
  readonly signal?: AbortSignal | undefined;
}

export interface CallOptions extends RunOptions {
  /** Inputs whose buffers the engine may transfer instead of copying them: the caller has no more use for them. */
  readonly transfer?: readonly string[] | undefined;
}

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
  readonly resident: number;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Does it lie in the memory of a device, not in the processor's? */
  readonly onDevice: boolean;
}

/** What a session reads: numbers, or a tensor that a session of its group retained. */
export type Feeds = Readonly<Record<string, Tensor | ResidentTensor>>;

export interface RetainedOutputs {
  readonly tensors: Record<string, Tensor>;
  readonly retained: Record<string, ResidentTensor>;
}

/** A model that is loaded and can be run. */
export interface EngineSession extends Closable {
  /** Is its thread gone? Then no call succeeds any more; engines without threads leave it out. */
  readonly ended?: boolean;
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
  createSession(model: EngineModel, options?: SessionOptions): Promise<EngineSession>;
}
