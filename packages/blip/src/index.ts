// What is the same on every platform: named exports only, a line of doc each.
/** The errors that this package throws on purpose. */
export { BlipError, InputError, ModelError, UsageError, type ErrorFields } from "./errors.ts";
/** Tensors in memory. */
export type { DType, Tensor } from "@blip-ts/graph";
/** Random access to the bytes of a model file. */
export type { ByteSource } from "./byte-source.ts";
/** Raw pixels as a picture. */
export type { RawImage } from "./image/raw-image.ts";
/** Whose conventions, warnings, progress, and where models come from. */
export type { Compat, DownloadProgress, EngineOptions, SourceOptions, Warning } from "./platform.ts";
/** Matching and contrast: inputs, options and outputs of `BlipForImageTextRetrieval`. */
export type {
  EncodedImages,
  ForwardOptions,
  ForwardProgress,
  RetrievalInputs,
  RetrievalOutput,
  TextFeeds,
} from "./tasks/image-text-retrieval.ts";
/** How a model is loaded. */
export type { ModelOptions } from "./tasks/load-retrieval.ts";
export type { TextHeads } from "./tasks/read-config.ts";
/** Rows, progress and options of `match`. */
export type { FailedRow, MatcherOptions, MatchOptions, MatchProgress, MatchRow } from "./tasks/match.ts";
/** Processor options and results. */
export type {
  ProcessedImages,
  ProcessorCallOptions,
  ProcessorOptions,
  ProcessorProgress,
} from "./tasks/processor.ts";
export type { EncodedTexts, EncodeOptions } from "./text/word-piece.ts";
/** What `inspect` finds. */
export type { Inspection } from "./tasks/inspect.ts";
/** BLIP's own clean-up of captions and questions. */
export { preCaption, preQuestion } from "./text/pre-caption.ts";
/** This package's version. */
export { version } from "./version.ts";
/** The parts that a platform of one's own is wired to: see `Platform`. */
export { loadProcessor } from "./tasks/processor.ts";
export { loadRetrieval } from "./tasks/load-retrieval.ts";
export { Matcher as MatcherOn } from "./tasks/match.ts";
export type { DecodeOptions, ModelFiles, Platform, SideFile } from "./platform.ts";
export type { Engine, EngineModel, EngineSession, ExternalBytes, RunOptions } from "./runtime/runtime.ts";
export type { RgbImage } from "./image/raw-image.ts";
