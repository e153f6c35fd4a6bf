// The first message from a page to its session worker.
export interface WorkerSettings {
  readonly kind: "settings";
  /** The folder of onnxruntime-web's files. Without it, the worker imports them itself. */
  readonly runtime: string | undefined;
  readonly wasmPaths: string | { readonly mjs?: string; readonly wasm?: string } | undefined;
  readonly threads: number;
  readonly provider: "wasm" | "webgpu";
}

/** The worker's only answer to the settings. */
export interface WorkerReady {
  readonly kind: "ready";
  /** The reason if there is no runtime. */
  readonly error?: string | undefined;
}
