// The settings of a page, for the Node entry, without types that exist only in pages.

import { optionNames } from "@blip-ts/base";
import { unknownSetting } from "./entry-errors.ts";

/** The addresses of onnxruntime-web's two files: a folder, or one address each. */
export type WasmPaths =
  string | { readonly mjs?: string | URL | undefined; readonly wasm?: string | URL | undefined };

/** Settings of `configure`, which works only in pages. */
export interface WebSettings {
  /** The folder that serves onnxruntime-web's `dist/`. By default the bundler's folder. */
  readonly runtime?: string | URL | undefined;
  /** The addresses of ONNX Runtime's `.wasm` and `.mjs` files. By default they are in the folder `runtime`. */
  readonly wasmPaths?: WasmPaths | undefined;
  /** The worker's file, or a function that starts a Worker. */
  readonly worker?: string | URL | (() => object) | undefined;
  /** The image worker's file, or a function that starts a Worker. */
  readonly imageWorker?: string | URL | (() => object) | undefined;
  /** The folder of this package's `models/`. By default derived from the module's own address. */
  readonly models?: string | URL | undefined;
  /** The base address for Hub ids, in pages only. By default https://huggingface.co. In Node: `HF_ENDPOINT`. */
  readonly hub?: string | URL | undefined;
  /** A token that is sent only to the Hub, in pages only. None by default. In Node: `HF_TOKEN`. */
  readonly token?: string | undefined;
  /** Whether to cache downloads in the browser's Cache, in pages only. By default true. In Node: `HF_HOME`. */
  readonly cache?: boolean | undefined;
}

/** The names of `configure`'s settings, for both entries. */
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

/** Checks the names of settings. @throws {UsageError} `usage/bad-setting` */
export function expectSettings(settings: object): void {
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(settingNames, name));
  if (unknown !== undefined) throw unknownSetting(unknown, Object.keys(settingNames));
}
