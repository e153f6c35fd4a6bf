// What is the same on every platform: named exports only, a line of doc each.
/** The errors that this package throws on purpose. */
export {
  BlipError,
  type BlipErrorCode,
  type ErrorFields,
  InputError,
  ModelError,
  UsageError,
} from "@blip-ts/base";
/** Public, private or reserved: what a server has to ask of addresses that others give it. */
export { addressKind, type AddressKind } from "@blip-ts/base";
/** Tensors in memory. */
export type { DType, Tensor } from "@blip-ts/graph";
/** Random access to the bytes of a model file. */
export type { ByteSource } from "@blip-ts/base";
/** Raw pixels as a picture. */
export type { RawImage } from "./image/raw-image.ts";
/** Whose conventions, warnings, progress, and where models come from. */
export type { Compat } from "./platform.ts";
export type { DownloadProgress, SourceOptions } from "./files.ts";
export type { EngineOptions, NetworkDType } from "@blip-ts/engine";
export type { Warning, WarningCode } from "@blip-ts/base";
/** What computes, and what a trace of it says. */
export type { Device, Profile, ProfiledOperator } from "@blip-ts/engine";
/** The network's sizes. */
export type { BlipConfig, TextConfig, VisionConfig } from "./model/config.ts";
/** How a model is loaded. */
export type { ModelOptions } from "./load/model-options.ts";
export type { TextHeads } from "./load/read-config.ts";
/** Inputs and outputs of the encoders. */
export type { EncodedImages, ImageOptions } from "./run/image-encoder.ts";
export type { EncodedTextStates } from "./run/text-encoder.ts";
export type { TextFeeds } from "./run/text-feeds.ts";
/** Matching and contrast: inputs, options and outputs of `BlipForImageTextRetrieval`. */
export type {
  ForwardOptions,
  ForwardProgress,
  RetrievalInputs,
  RetrievalOutput,
} from "./classes/image-text-retrieval.ts";
/** How sequences are generated, and what comes out. */
export type { BeamScoring, GenerationOptions } from "./decode/options.ts";
export type { Hypothesis } from "./decode/next-token-model.ts";
/** Captioning: inputs and options of `BlipForConditionalGeneration`. */
export type { CaptionInputs, GenerateOptions } from "./classes/conditional-generation.ts";
export type { MaskedEncoderStates, EncoderStates, StreamedToken } from "./run/generate.ts";
/** Questions: inputs, options and outputs of `BlipForQuestionAnswering`. */
export type { QuestionInputs, RankedAnswer, RankOptions } from "./classes/question-answering.ts";
/** NLVR2: inputs of `BlipForNLVR`. */
export type { StatementInputs } from "./classes/nlvr.ts";
/** How a model of several tasks is loaded, and what its calls take for an image. */
export type { BlipOptions, ImageOrInput } from "./verbs/blip/blip.ts";
export type { Task } from "./tasks/task.ts";
/** What loads models of one class. */
export type { Pretrained } from "./create-classes.ts";
/** What all verbs share. */
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
/** Single requests of many callers, run in batches: `new Batched({ matcher })`. */
export {
  Batched,
  type AskRequestOptions,
  type BatchedModels,
  type BatchedOptions,
  type CaptionRequestOptions,
  type EmbedRequestOptions,
} from "./serve/batched.ts";
/** The queue behind it, for work of one's own: window, bound, turns of callers, cancellation. */
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
/** Streams of rows: what every verb's `rows` takes and gives. */
export type { AnsweredRow, RowCallOptions, RowSource, RowsOptions } from "./verbs/rows.ts";
export type { MatchRequest } from "./verbs/match.ts";
export type { Caption, CaptionRequest, CaptionRowOptions } from "./verbs/caption.ts";
export type { Answer, AnswerRequest, AskRowOptions } from "./verbs/ask.ts";
export type { CompareAnswer, CompareRequest } from "./verbs/compare.ts";
export type { EmbedAnswer, EmbedRequest, EmbedRowOptions } from "./verbs/embed.ts";
/** The frames of a video that BLIP looks at. */
export { uniformFrames } from "./verbs/video.ts";
/** Recall, median and mean of a ranking. */
export { bestRanks, retrievalMetrics, type RetrievalMetrics } from "@blip-ts/metrics";
/** Processor options and results. */
export type { ProcessedImages } from "./processor/processor.ts";
export type { ProcessorCallOptions, ProcessorOptions, ProcessorProgress } from "./processor/options.ts";
export type { PillowOrder } from "./image/resize-bicubic.ts";
export type { EncodedTexts, EncodeOptions } from "./text/word-piece.ts";
/** What `inspect` finds. */
export type { InspectedPart, Inspection } from "./tools/inspect.ts";
/** What `convert` is told and says. */
export type { Conversion, ConvertOptions } from "./tools/convert.ts";
/** What `makeSuite` is told and says. */
export type { MakeSuiteOptions, SuiteConversion, SuitePart } from "./tools/make-suite.ts";
/** What `exportOnnx` is told and says. */
export type {
  ExportDescription,
  ExportedFile,
  ExportedTensor,
  ExportOptions,
} from "./tools/export/export-onnx.ts";
/** What `quantize` is told. */
export type { QuantizeOptions, WeightDType } from "./tools/quantize.ts";
/** What `verify` is told and finds, and where the pictures of the published samples are. */
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
/** How a matrix product is measured. */
export type { MatrixProductOptions } from "@blip-ts/engine";
/** This package's version. */
export { version } from "./version.ts";
