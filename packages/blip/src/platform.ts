// What a platform (Node, the browser) does for the isomorphic code. `node.ts` and `web.ts` hand it in.

import { type ByteSource, UsageError, type Warning } from "@blip-ts/base";
import type { RgbImage } from "./image/raw-image.ts";
import type { EnginePlatform } from "@blip-ts/engine";
import type {
  AdapterFiles,
  DerivedWeights,
  FolderWriter,
  ModelFiles,
  SourceOptions,
  SuiteFiles,
} from "./files.ts";
import type { DecodeOptions } from "./image/decode-options.ts";

/** What a page may be told by `configure`; Node knows the names, so that a page's module may be rendered on a server. */
export const pageSettings = [
  "runtime",
  "wasmPaths",
  "worker",
  "imageWorker",
  "models",
  "hub",
  "token",
  "cache",
] as const;

/** @throws {UsageError} `usage/bad-setting` */
export function checkPageSettings(settings: object): void {
  const unknown = Object.keys(settings).find((name) => !pageSettings.some((known) => known === name));
  if (unknown !== undefined)
    throw new UsageError(
      "usage/bad-setting",
      `configure: there is no setting "${unknown}"; there are ${pageSettings.join(", ")}`,
      { name: unknown },
    );
}

/** Whose conventions, where the references differ. */
export type Compat = "hf" | "blip" | "lavis";

/** Input: whatever this platform takes for a picture. */
export interface Platform<ImageInput> extends EnginePlatform {
  /** Finds a model; a folder with weights is a model, one with model_index.json alone a suite. */
  openModel(source: string, options: SourceOptions): Promise<ModelFiles | SuiteFiles>;
  /**
   * Finds an adapter in PEFT's form. A platform without it refuses the option `adapter`.
   * @throws {UsageError} `adapter/not-an-adapter` if there is none, also if there is a model instead
   */
  openAdapter?(source: string, options: SourceOptions): Promise<AdapterFiles>;
  /** bert-base-uncased's vocab.txt. */
  bundledVocabulary(): Promise<string>;
  decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage>;
  /** Starts what images of callers who are not trusted (`isolate`) are decoded with; a platform may have none. */
  prepareDecoders?(): void;
  /**
   * Begins a folder that does not exist yet, or is empty.
   * @throws {UsageError} `save/exists`, `save/cannot-write`
   */
  createFolder(path: string): Promise<FolderWriter>;
  /**
   * Weights that were made before, or are made now and kept for the next time. They are made anew where the sources
   * have changed; older ones of the same type and sources go. Where nothing can be kept they are made in memory, with a
   * warning that says why.
   * @param renew makes them anew in any case: what was kept turned out to be unusable
   */
  deriveWeights(weights: DerivedWeights, renew: boolean): Promise<ByteSource>;
  /** Prints a warning where no `onWarning` takes it. */
  warn(warning: Warning): void;
}
