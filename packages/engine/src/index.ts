// Turns a graph and named tensors into sessions that can run.
export type {
  Device,
  EngineOptions,
  EnginePlatform,
  NetworkDType,
  PlatformDevice,
  Profile,
  ProfiledOperator,
} from "./device.ts";
export { toEngineModel, weightType } from "./engine-model.ts";
export type {
  Engine,
  EngineModel,
  EngineSession,
  ExternalBytes,
  Feeds,
  RetainedOutputs,
  ResidentTensor,
  RunOptions,
  SessionOptions,
} from "./engine.ts";
export { isNotFinite, modelClosed, notFinite } from "./errors.ts";
export { float32Output } from "./float32.ts";
export {
  type Int8Products,
  Int8Trial,
  isExact,
  type LendSession,
  trialCase,
  trialGraph,
  trialModel,
} from "./int8-trial.ts";
export { MatrixProduct, matrixProductOptionNames, type MatrixProductOptions } from "./matrix-product.ts";
export { openEngine, type OpenEngine } from "./open-engine.ts";
export { Network, type NetworkTypes } from "./sessions.ts";
export { passHalvesAsBits } from "./worker/session-host.ts";
export type { StartTraining, TrainingListener, TrainingPort } from "./training/calls.ts";
export { isOutOfMemory } from "./training/errors.ts";
export { adamNumbers, type AdamSettings } from "./training/kernel/adam.ts";
export type { OutputMode, Share, TrainingReply, TrainingRequest } from "./training/messages.ts";
export {
  placeParameters,
  type Parameter,
  type ParameterArray,
  type ParameterRole,
} from "./training/places.ts";
export type { Updated, UpdateSettings } from "./training/training-memory.ts";
export {
  TrainingSession,
  type TrainingGraphInput,
  type TrainingRun,
  type TrainingSessionOptions,
} from "./training/training-session.ts";
export { hostTraining } from "./worker/training-host.ts";
export { engineOptionNames } from "./device.ts";
export { runOptionNames } from "./engine.ts";
export { isNativeFailure } from "./errors.ts";
