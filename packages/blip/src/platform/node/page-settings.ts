// What only a page can do, under the names of the page's entry: a page's module is also rendered on servers, where it is
// this entry that it imports.
import { UsageError } from "@blip-ts/base";
import { checkPageSettings } from "../../platform.ts";

/** Where a page's files are: the settings of `configure`. A page's own types say `Worker` for what starts one. */
export interface WebSettings {
  /** The folder in which onnxruntime-web's `dist/` is served. */
  readonly runtime?: string | URL | undefined;
  /** Where ONNX Runtime's `.wasm` and `.mjs` are, if they are not beside the runtime. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** This package's `web-session-worker.js`, or what starts it. */
  readonly worker?: string | URL | (() => object) | undefined;
  /** This package's `web-image-worker.js`, or what starts it. */
  readonly imageWorker?: string | URL | (() => object) | undefined;
  /** The folder of this package's `models/`. */
  readonly models?: string | URL | undefined;
  /** Pages only: in Node, `HF_ENDPOINT` says where Hub ids are resolved. */
  readonly hub?: string | URL | undefined;
  /** Pages only: in Node, the token is that of `HF_TOKEN` or of the Hub's own program. */
  readonly token?: string | undefined;
  /** Pages only: in Node, `HF_HOME` says where models are kept. */
  readonly cache?: boolean | undefined;
}

/** Where ONNX Runtime's own two files are: a folder, or each by itself. */
export type WasmPaths =
  string | { readonly mjs?: string | URL | undefined; readonly wasm?: string | URL | undefined };

/** Node's own way to say the same. */
const inNode = { hub: "HF_ENDPOINT", token: "HF_TOKEN", cache: "HF_HOME" } as const;

/**
 * Tells a page where its files are. In Node nothing is to be told of them, so that the addresses have no effect: a
 * page's module may be imported on a server.
 * @throws {UsageError} `usage/bad-setting` for an unknown name; `usage/page-only` for `hub`, `token` and `cache`, which
 * Node takes from the environment
 */
export function configure(settings: WebSettings): void {
  checkPageSettings(settings);
  for (const [name, variable] of Object.entries(inNode))
    if (name in settings)
      throw new UsageError(
        "usage/page-only",
        `configure: expected ${name} in a page alone, found it in Node. Set ${variable} in the environment here.`,
        { name, variable },
      );
}

/**
 * Throws away what a browser's Cache keeps of checkpoints.
 * @throws {UsageError} `usage/page-only`: Node has no such Cache
 */
export function clearCache(url?: string): Promise<string[]> {
  return Promise.reject(
    new UsageError(
      "usage/page-only",
      "clearCache: expected a page, found Node, which keeps no browser's Cache. Models lie in $HF_HOME/hub, converted " +
        "weights in $HF_HOME/blip-ts: delete them there.",
      { url },
    ),
  );
}
