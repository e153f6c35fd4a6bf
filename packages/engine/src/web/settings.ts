// The places of the engine's files.

/** The place of onnxruntime-web's two files: a folder, or one address for each. */
export type WasmPaths =
  string | { readonly mjs?: string | URL | undefined; readonly wasm?: string | URL | undefined };

/** A folder's absolute address with a trailing slash, relative to the page. */
export function folderUrl(folder: string | URL): string {
  const { href } = new URL(folder, document.baseURI);
  return href.endsWith("/") ? href : `${href}/`;
}

/** The settings for finding a page engine's files. */
export interface WebEngineSettings {
  /**
   * The served folder of onnxruntime-web's `dist/`. Without it, the worker imports `onnxruntime-web` by name, which
   * bundlers resolve.
   */
  readonly runtime?: string | URL | undefined;
  /** The place of ONNX Runtime's `ort-wasm-*.wasm` and `.mjs`, if they are not beside the runtime. No CDN is used. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** This package's `web-session-worker.js`, or a function that starts it. Default: the file beside this module. */
  readonly worker?: string | URL | (() => Worker) | undefined;
}
