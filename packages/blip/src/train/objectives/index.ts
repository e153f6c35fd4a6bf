// The exports of the objectives.
export { answers, type AnswersOptions } from "./answers.ts";
export type {
  CaptionBatch,
  ImageBatch,
  PairBatch,
  PatchBatch,
  QuestionBatch,
  StatementBatch,
  Tokens,
} from "./batches.ts";
export {
  compose,
  drawMasks,
  type ComposedObjective,
  type ComposeOptions,
  type WeightedPart,
} from "./compose.ts";
export { contrast, rampedAlpha, type ContrastOptions } from "./contrast.ts";
export { encodeCaptions, encodePairs, encodeQuestions, encodeStatements, type Encode } from "./encode.ts";
export { initialWeights, type WeightShape } from "./init.ts";
export { KeyQueue, queueLength } from "./key-queue.ts";
export { labelSmoothing, language, type LanguageOptions } from "./language.ts";
export { matching, type MatchingOptions } from "./matching.ts";
export { Network, pickRows, type NetworkOptions } from "./network.ts";
export type { MaskInput } from "../../model/regularize.ts";
export type { LossPart, PartContext, Tensors } from "./part.ts";
export { patchNames, type PatchNamesOptions } from "./patch-names.ts";
export { statements, type StatementsOptions } from "./statements.ts";
export {
  captionObjective,
  matchObjective,
  nlvrObjective,
  pretrainObjective,
  vqaObjective,
  type ContrastiveOptions,
  type TaskOptions,
} from "./tasks.ts";
export { blipTokens, type SpecialTokens } from "./token-rows.ts";
