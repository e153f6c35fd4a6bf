// The services of a platform (Node, the browser) for the platform-independent code. `node.ts` and `web.ts` provide
// them.

import type { ByteSource, Warning } from "@blip-ts/base";
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

/**
 * The conventions to follow if the references differ: transformers', those of BLIP's training and evaluation scripts,
 * LAVIS's, or those of BLIP's demo (its notebook, predict.py and models/blip_itm.py).
 */
export type Compat = "hf" | "blip" | "lavis" | "demo";

/** The services of a platform; `ImageInput` stands for everything that it accepts as an image. */
export interface Platform<ImageInput> extends EnginePlatform {
  /** Finds a model or a suite: a folder with weights is a model, and one with only model_index.json is a suite. */
  openModel(source: string, options: SourceOptions): Promise<ModelFiles | SuiteFiles>;
  /**
   * Finds an adapter in PEFT's format. A platform without this function rejects the option `adapter`.
   * @throws {UsageError} `adapter/not-an-adapter` if there is none, also if there is a model instead
   */
  openAdapter?(source: string, options: SourceOptions): Promise<AdapterFiles>;
  /** Reads bert-base-uncased's vocab.txt. */
  bundledVocabulary(): Promise<string>;
  /** Decodes an image to RGB bytes. @throws {InputError} `image/...` */
  decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage>;
  /** Starts the decoders for untrusted callers' images (`isolate`), if the platform has any. */
  prepareDecoders?(): void;
  /**
   * Creates a folder that does not exist yet, or is empty.
   * @throws {UsageError} `save/exists`, `save/cannot-write`
   */
  createFolder(path: string): Promise<FolderWriter>;
  /**
   * Returns derived weights, kept from an earlier load or derived now and kept. Derives them again if the sources have
   * changed, and removes older ones of the same type and sources. If nothing can be kept, derives them in memory and
   * warns with the reason.
   * @param renew derives them again in any case, because the kept ones turned out to be unusable
   */
  deriveWeights(weights: DerivedWeights, renew: boolean): Promise<ByteSource>;
  /** Prints a warning if no `onWarning` receives it. */
  warn(warning: Warning): void;
}
