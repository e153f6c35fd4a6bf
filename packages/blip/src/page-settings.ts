// What a page is told about where its files are, as the Node entry knows it: without the page's own types.

import { optionNames } from "@blip-ts/base";
import { unknownSetting } from "./entry-errors.ts";

/** Where onnxruntime-web's own two files are: a folder, or each by itself. */
export type WasmPaths =
  string | { readonly mjs?: string | URL | undefined; readonly wasm?: string | URL | undefined };

/** Settings of `configure`, which the page's entry describes and follows. */
export interface WebSettings {
  /** The folder in which onnxruntime-web's `dist/` is served. Default: found by the bundler. */
  readonly runtime?: string | URL | undefined;
  /** Where ONNX Runtime's `.wasm` and `.mjs` are. Default: in `runtime`. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** The worker's file, or what starts a Worker. */
  readonly worker?: string | URL | (() => object) | undefined;
  /** The image worker's file, or what starts a Worker. */
  readonly imageWorker?: string | URL | (() => object) | undefined;
  /** The folder of this package's `models/`. Default: found from the module's own address. */
  readonly models?: string | URL | undefined;
  /** Where Hub ids are resolved, in pages only. Default: https://huggingface.co. In Node: `HF_ENDPOINT`. */
  readonly hub?: string | URL | undefined;
  /** Sent to the Hub alone, in pages only. Default: none. In Node: `HF_TOKEN`. */
  readonly token?: string | undefined;
  /** Keeps downloads in the browser's Cache, in pages only. Default: true. In Node: `HF_HOME`. */
  readonly cache?: boolean | undefined;
}

/** The names that `configure` knows, in both entries. */
export const settingNames = optionNames<WebSettings>()({
  runtime: true,
  wasmPaths: true,
  worker: true,
  imageWorker: true,
  models: true,
  hub: true,
  token: true,
  cache: true,
});

/** @throws {UsageError} `usage/bad-setting` */
export function expectSettings(settings: object): void {
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(settingNames, name));
  if (unknown !== undefined) throw unknownSetting(unknown, Object.keys(settingNames));
}
