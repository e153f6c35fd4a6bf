// The platform-independent exports. Each group has a one-line description.
/** The errors that this package throws on purpose. */
export {
  BlipError,
  type BlipErrorCode,
  type ErrorFields,
  InputError,
  ModelError,
  UsageError,
} from "@blip-ts/base";
/** Classifies an address as public, private or reserved, for servers that receive addresses from callers. */
export { addressKind, type AddressKind } from "@blip-ts/base";
/** Tensors in memory. */
export type { DType, Tensor } from "@blip-ts/graph";
/** Random access to the bytes of a model file. */
export type { ByteSource } from "@blip-ts/base";
/** Raw pixels as an image. */
export type { RawImage } from "./image/raw-image.ts";
/** Conventions, warnings, progress, and sources of models. */
export type { Compat } from "./platform.ts";
export type { DownloadProgress, SourceOptions } from "./files.ts";
export type { EngineOptions, NetworkDType } from "@blip-ts/engine";
export type { Warning, WarningCode } from "@blip-ts/base";
/** Devices, and the results of profiling. */
export type { Device, Profile, ProfiledOperator } from "@blip-ts/engine";
/** The network's sizes. */
export type { BlipConfig, TextConfig, VisionConfig } from "./model/config.ts";
/** Options to load a model. */
export type { ModelOptions } from "./load/model-options.ts";
export type { TextHeads } from "./load/read-config.ts";
/** Inputs and outputs of the encoders. */
export type { EncodedImages, ImageOptions } from "./run/image-encoder.ts";
export type { EncodedTextStates } from "./run/text-encoder.ts";
export type { TextFeeds } from "./run/text-feeds.ts";
/** Matching: inputs, options and outputs of `BlipForImageTextRetrieval`. */
export type {
  ForwardOptions,
  ForwardProgress,
  RetrievalInputs,
  RetrievalOutput,
} from "./classes/image-text-retrieval.ts";
/** Options and results of generation. */
export type { BeamScoring, GenerationOptions } from "./decode/options.ts";
export type { Hypothesis } from "./decode/next-token-model.ts";
/** Captioning: inputs and options of `BlipForConditionalGeneration`. */
export type { CaptionInputs, GenerateOptions } from "./classes/conditional-generation.ts";
export type { MaskedEncoderStates, EncoderStates, StreamedToken } from "./run/generate.ts";
/** Questions: inputs, options and outputs of `BlipForQuestionAnswering`. */
export type { QuestionInputs, RankedAnswer, RankOptions } from "./classes/question-answering.ts";
/** NLVR2: inputs of `BlipForNLVR`. */
export type { StatementInputs } from "./classes/nlvr.ts";
/** Options to load a multi-task model, and the images of its calls. */
export type { BlipOptions, ImageOrInput } from "./verbs/blip/blip.ts";
export type { Task } from "./tasks/task.ts";
/** Loads models of one class. */
export type { Pretrained } from "./create-classes.ts";
/** Types common to all verbs. */
export type {
  FailedRow,
  FailedText,
  RowError,
  VerbCallOptions,
  VerbOptions,
  VerbProgress,
} from "./verbs/image-batches.ts";
/** Rows and options of `match`. */
export type { MatchOptions, MatchRow, MatchScores } from "./verbs/match.ts";
/** Rows and options of `caption`. */
export type { CaptionerOptions, CaptionOptions, CaptionRow, CaptionToken } from "./verbs/caption.ts";
/** Rows and options of `ask`. */
export type { AnswerRow, AskOptions } from "./verbs/ask.ts";
/** Rows and options of `compare`. */
export type { CompareOptions, CompareRow } from "./verbs/compare.ts";
/** Rows and options of `embed`. */
export type { Embedding, EmbedOptions, ImageEmbedding, TextEmbedding } from "./verbs/embed.ts";
/** Rows and options of `retrieve`. */
export type { HitScores } from "./verbs/hits.ts";
export type { ImageHit, ImageRow, RetrieveOptions, TextHit, TextRow } from "./verbs/retrieve.ts";
export type { Retrievable, Video } from "./verbs/video.ts";
/** Runs single requests of many callers in batches: `new Batched({ matcher })`. */
export {
  Batched,
  type AskRequestOptions,
  type BatchedModels,
  type BatchedOptions,
  type CaptionRequestOptions,
  type EmbedRequestOptions,
  type RequestRow,
} from "./serve/batched.ts";
/** The queue of `Batched`, for custom work: window, size limit, fair turns of callers, cancellation. */
export {
  RequestBatcher,
  type BatcherOptions,
  type BatchStart,
  type CloseOptions,
  type Preparation,
  type Preparer,
  type Outcome,
  type RequestOptions,
  type RunBatch,
} from "./serve/request-batcher.ts";
/** Streams of rows: inputs and results of every verb's `rows`. */
export type { AnsweredRow, RowCallOptions, RowSource, RowsOptions } from "./verbs/rows.ts";
export type { MatchRequest } from "./verbs/match.ts";
export type { Caption, CaptionRequest, CaptionRowOptions } from "./verbs/caption.ts";
export type { Answer, AnswerRequest, AskRowOptions } from "./verbs/ask.ts";
export type { CompareAnswer, CompareRequest } from "./verbs/compare.ts";
export type { EmbedAnswer, EmbedRequest, EmbedRowOptions } from "./verbs/embed.ts";
/** Selects the frames of a video that BLIP uses. */
export { uniformFrames } from "./verbs/video.ts";
/** Recall, median and mean of a ranking. */
export { bestRanks, retrievalMetrics, type RetrievalMetrics } from "@blip-ts/metrics";
/** Processor options and results. */
export type { ProcessedImages } from "./processor/processor.ts";
export type { ProcessorCallOptions, ProcessorOptions, ProcessorProgress } from "./processor/options.ts";
export type { PillowOrder } from "./image/resize-bicubic.ts";
export type { EncodedTexts, EncodeOptions } from "./text/word-piece.ts";
/** The results of `inspect`. */
export type { InspectedPart, Inspection } from "./tools/inspect.ts";
/** Options and results of `convert`. */
export type { Conversion, ConvertOptions } from "./tools/convert.ts";
/** Options and results of `makeSuite`. */
export type { MakeSuiteOptions, SuiteConversion, SuitePart } from "./tools/make-suite.ts";
/** Options and results of `exportOnnx`. */
export type {
  ExportDescription,
  ExportedFile,
  ExportedTensor,
  ExportOptions,
} from "./tools/export/export-onnx.ts";
/** Options of `quantize`. */
export type { QuantizeOptions, WeightDType } from "./tools/quantize.ts";
/** Options and results of `verify`, and the images of the published samples. */
export { publishedImages } from "./tools/verify/published-samples.ts";
export type { Published, Sample, VerifyOptions, VerifyRow } from "./tools/verify/verify.ts";
export {
  type HeadsTried,
  type HeadsVerdict,
  type ModelVerdict,
  publishedModels,
  type VerifyAllOptions,
  type VerifyReport,
} from "./tools/verify/verify-all.ts";
/** BLIP's own clean-up of captions and questions. */
export { preCaption, preQuestion } from "./text/pre-caption.ts";
/** Options to measure a matrix product. */
export type { MatrixProductOptions } from "@blip-ts/engine";
/** This package's version. */
export { version } from "./version.ts";
