// The small interface over ONNX Runtime that the rest of the package knows. Platforms implement it.
import type { Tensor } from "@blip-ts/graph";

/** Bytes that a model refers to and that are in memory, by the location that the model names. */
export interface ExternalBytes {
  readonly location: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A serialized ONNX model and where its weights lie. */
export interface EngineModel {
  readonly onnx: Uint8Array<ArrayBuffer>;
  /** The folder to which locations of files are relative; absent where no weight is in a file. */
  readonly folder?: string;
  readonly external: readonly ExternalBytes[];
}

export interface RunOptions {
  /** Rejects the call at once; work that has begun is finished and thrown away. */
  readonly signal?: AbortSignal | undefined;
}

/** A model that is loaded and can be run. */
export interface EngineSession extends AsyncDisposable {
  run(feeds: Readonly<Record<string, Tensor>>, options?: RunOptions): Promise<Record<string, Tensor>>;
}

/** What executes models. Its work is done outside of the caller's event loop. */
export interface Engine extends AsyncDisposable {
  createSession(model: EngineModel, options?: RunOptions): Promise<EngineSession>;
}
