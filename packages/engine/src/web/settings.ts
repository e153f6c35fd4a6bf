// Where the engine's files are.

/** Where onnxruntime-web's own two files are: a folder, or each by itself. */
export type WasmPaths =
  string | { readonly mjs?: string | URL | undefined; readonly wasm?: string | URL | undefined };

/** A folder's address with its slash at the end, from the page's own. */
export function folderUrl(folder: string | URL): string {
  const { href } = new URL(folder, document.baseURI);
  return href.endsWith("/") ? href : `${href}/`;
}

/** Where a page's engine finds its files. */
export interface WebEngineSettings {
  /**
   * The folder in which onnxruntime-web's `dist/` is served. Without it, the worker imports `onnxruntime-web` by name,
   * which bundlers resolve.
   */
  readonly runtime?: string | URL | undefined;
  /** Where ONNX Runtime's `ort-wasm-*.wasm` and `.mjs` are, if they are not beside the runtime. No CDN is asked. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** This package's `web-session-worker.js`, or what starts it; without it, the file beside this module. */
  readonly worker?: string | URL | (() => Worker) | undefined;
}
