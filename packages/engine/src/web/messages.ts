// What a page tells its session worker before anything else.
export interface WorkerSettings {
  readonly kind: "settings";
  /** The folder of onnxruntime-web's files; without it, the worker's own import. */
  readonly runtime: string | undefined;
  readonly wasmPaths: string | { readonly mjs?: string; readonly wasm?: string } | undefined;
  readonly threads: number;
  readonly provider: "wasm" | "webgpu";
}

/** The worker's only answer to it. */
export interface WorkerReady {
  readonly kind: "ready";
  /** Why there is no runtime. */
  readonly error?: string | undefined;
}
