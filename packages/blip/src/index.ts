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
export type {
  Compat,
  DownloadProgress,
  EngineOptions,
  NetworkDType,
  SourceOptions,
  Warning,
} from "./platform.ts";
/** What computes, and what a trace of it says. */
export type { Device, Profile, ProfiledOperator } from "./platform.ts";
/** The network's sizes. */
export type { BlipConfig, TextConfig, VisionConfig } from "./model/config.ts";
/** How a model is loaded. */
export type { ModelOptions } from "./tasks/model-options.ts";
export type { TextHeads } from "./tasks/read-config.ts";
/** Inputs and outputs of the encoders. */
export type { EncodedImages, ImageOptions } from "./tasks/encoder.ts";
export type { TextFeeds } from "./tasks/text-feeds.ts";
/** Matching and contrast: inputs, options and outputs of `BlipForImageTextRetrieval`. */
export type {
  ForwardOptions,
  ForwardProgress,
  RetrievalInputs,
  RetrievalOutput,
} from "./tasks/image-text-retrieval.ts";
/** How sequences are generated, and what comes out. */
export type { BeamScoring, GenerationOptions } from "./decode/options.ts";
export type { Hypothesis } from "./decode/next-token-model.ts";
/** Captioning: inputs and options of `BlipForConditionalGeneration`. */
export type { CaptionInputs, GenerateOptions } from "./tasks/conditional-generation.ts";
export type { MaskedMemory, Memory, StreamedToken } from "./tasks/generator.ts";
/** Questions: inputs, options and outputs of `BlipForQuestionAnswering`. */
export type { QuestionInputs, RankedAnswer, RankOptions } from "./tasks/question-answering.ts";
/** NLVR2: inputs of `BlipForNLVR`. */
export type { StatementInputs } from "./tasks/natural-language-visual-reasoning.ts";
/** What all verbs share. */
export type { FailedRow, VerbCallOptions, VerbOptions, VerbProgress } from "./tasks/picture-model.ts";
/** Rows and options of `match`. */
export type { MatchOptions, MatchRow, MatchScores } from "./tasks/match.ts";
/** Rows and options of `caption`. */
export type { CaptionerOptions, CaptionOptions, CaptionRow, CaptionToken } from "./tasks/caption.ts";
/** Rows and options of `ask`. */
export type { AnswerRow, AskOptions } from "./tasks/ask.ts";
/** Rows and options of `compare`. */
export type { CompareOptions, CompareRow } from "./tasks/compare.ts";
/** Rows and options of `embed`. */
export type { Embedding, EmbedOptions, ImageEmbedding, TextEmbedding } from "./tasks/embed.ts";
/** Rows and options of `retrieve`. */
export type {
  HitScores,
  ImageHit,
  ImageRow,
  Retrievable,
  RetrieveOptions,
  TextHit,
  TextRow,
  Video,
} from "./tasks/retrieve.ts";
/** Single requests of many callers, run in batches: `new Batched({ matcher })`. */
export {
  Batched,
  type AskRequestOptions,
  type BatchedModels,
  type CaptionRequestOptions,
  type EmbedRequestOptions,
} from "./tasks/batched.ts";
/** The queue behind it, for work of one's own: window, bound, turns of callers, cancellation. */
export {
  RequestBatcher,
  type BatcherOptions,
  type BatchStart,
  type LookAhead,
  type Outcome,
  type RequestOptions,
  type RunBatch,
} from "./tasks/request-batcher.ts";
/** Requests for many pictures at once, each with texts, a prompt or a question of its own. */
export type { MatchRequest } from "./tasks/match.ts";
export type { CaptionRequest } from "./tasks/caption.ts";
export type { AnswerRequest } from "./tasks/ask.ts";
/** The frames of a video that BLIP looks at. */
export { uniformFrames } from "./tasks/retrieve.ts";
/** Recall, median and mean of a ranking. */
export { bestRanks, retrievalMetrics, type RetrievalMetrics } from "@blip-ts/metrics";
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
/** What `convert` is told and says. */
export type { Conversion, ConvertOptions } from "./tasks/save.ts";
/** What `exportOnnx` is told and says. */
export type { ExportDescription, ExportedFile, ExportedTensor, ExportOptions } from "./tasks/export-onnx.ts";
/** What `quantize` is told. */
export type { QuantizeOptions, WeightDType } from "./tasks/quantize.ts";
/** What `verify` is told and finds, and where the pictures of the published samples are. */
export { publishedPictures } from "./tasks/published-samples.ts";
export type { Published, Sample, VerifyOptions, VerifyRow } from "./tasks/verify.ts";
/** BLIP's own clean-up of captions and questions. */
export { preCaption, preQuestion } from "./text/pre-caption.ts";
/** The engine's own matrix product, which measurements are compared with. */
export { MatrixProduct as MatrixProductOn, type MatrixProductOptions } from "./tasks/matrix-product.ts";
/** This package's version. */
export { version } from "./version.ts";
/** The parts that a platform of one's own is wired to: see `Platform`. */
export { loadProcessor } from "./tasks/processor.ts";
export { ImageTextRetrieval } from "./tasks/image-text-retrieval.ts";
export { ConditionalGeneration } from "./tasks/conditional-generation.ts";
export { QuestionAnswering } from "./tasks/question-answering.ts";
export { NaturalLanguageVisualReasoning } from "./tasks/natural-language-visual-reasoning.ts";
export { FeatureExtraction } from "./tasks/feature-extraction.ts";
export { Matcher as MatcherOn } from "./tasks/match.ts";
export { Captioner as CaptionerOn } from "./tasks/caption.ts";
export { Answerer as AnswererOn } from "./tasks/ask.ts";
export { Comparer as ComparerOn } from "./tasks/compare.ts";
export { Embedder as EmbedderOn } from "./tasks/embed.ts";
export { Retriever as RetrieverOn } from "./tasks/retrieve.ts";
export type {
  DecodeOptions,
  DerivedWeights,
  FolderWriter,
  ModelFiles,
  Platform,
  PlatformDevice,
  SideFile,
} from "./platform.ts";
export type {
  Engine,
  EngineModel,
  EngineSession,
  ExternalBytes,
  Feeds,
  KeptOutputs,
  ResidentTensor,
  RunOptions,
  SessionOptions,
} from "./runtime/runtime.ts";
export type { RgbImage } from "./image/raw-image.ts";
