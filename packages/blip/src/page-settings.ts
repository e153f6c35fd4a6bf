// What a page is told about where its files are, as the Node entry knows it: without the page's own types.

/** Where onnxruntime-web's own two files are: a folder, or each by itself. */
export type WasmPaths =
  string | { readonly mjs?: string | URL | undefined; readonly wasm?: string | URL | undefined };

/** Settings of `configure`, which the page's entry describes and follows. */
export interface WebSettings {
  readonly runtime?: string | URL | undefined;
  readonly wasmPaths?: WasmPaths | undefined;
  /** The worker's file, or what starts a Worker. */
  readonly worker?: string | URL | (() => object) | undefined;
  /** The image worker's file, or what starts a Worker. */
  readonly imageWorker?: string | URL | (() => object) | undefined;
  readonly models?: string | URL | undefined;
  readonly hub?: string | URL | undefined;
  readonly token?: string | undefined;
  readonly cache?: boolean | undefined;
}
