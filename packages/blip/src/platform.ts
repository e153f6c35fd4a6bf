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
 * The reference implementation whose conventions to follow: transformers (`hf`), BLIP's training and evaluation scripts
 * (`blip`), LAVIS (`lavis`), or BLIP's demo (`demo`: its notebook, predict.py and models/blip_itm.py).
 */
export type Compat = "hf" | "blip" | "lavis" | "demo";

/** The services of a platform. `ImageInput` is the type of everything that the platform accepts as an image. */
export interface Platform<ImageInput> extends EnginePlatform {
  /** Finds a model or a suite. A folder with weights is a model; a folder with only model_index.json is a suite. */
  openModel(source: string, options: SourceOptions): Promise<ModelFiles | SuiteFiles>;
  /**
   * Finds an adapter in PEFT's format. A platform without this function rejects the option `adapter`.
   * @throws {UsageError} `adapter/not-an-adapter` if there is no adapter, also if there is a model instead
   */
  openAdapter?(source: string, options: SourceOptions): Promise<AdapterFiles>;
  /** Reads bert-base-uncased's vocab.txt. */
  bundledVocabulary(): Promise<string>;
  /** Decodes an image to RGB bytes. @throws {InputError} `image/...` */
  decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage>;
  /** Starts the decoders for untrusted callers' images (`isolate`), if the platform has such decoders. */
  prepareDecoders?(): void;
  /**
   * Creates a folder, which must not exist yet or must be empty.
   * @throws {UsageError} `save/exists`, `save/cannot-write`
   */
  createFolder(path: string): Promise<FolderWriter>;
  /**
   * Returns derived weights from the cache, or derives and caches them. If the sources have changed, derives the
   * weights again and removes older weights of the same type and sources. If caching is impossible, derives the weights
   * in memory and warns with the reason.
   * @param renew whether to derive the weights again in any case, because the cached weights are unusable
   */
  deriveWeights(weights: DerivedWeights, renew: boolean): Promise<ByteSource>;
  /** Prints a warning if no `onWarning` receives it. */
  warn(warning: Warning): void;
}
