// The base of every other package: errors, schemas and small utilities.
export { unlessAborted, untilAborted, whenAborted } from "./abortable.ts";
export { addressKind, mayRedirect, worstKind, type AddressKind } from "./address-kind.ts";
export type { ByteRange, ByteSource } from "./byte-source.ts";
export { asyncDispose, type Closable, closedBy, closing, orClosed } from "./closable.ts";
export type { BlipErrorCode, WarningCode } from "./codes.ts";
export {
  badOption,
  BlipError,
  type ErrorFields,
  InputError,
  ModelError,
  plainError,
  type PlainError,
  revivedError,
  UsageError,
} from "./errors.ts";
export { expectOptions, optionNames, type OptionNames, picked, withoutNames } from "./expect-options.ts";
export { dataUrlBytes, isDataUrl, maxDataUrlLength, shownDataUrl } from "./data-url.ts";
export { allFinite } from "./finite.ts";
export { imageEnding, unreadEndings } from "./image-endings.ts";
export { legible, legibleLines } from "./legible.ts";
export { atLeast, last, missed, must } from "./must.ts";
export { nearestName } from "./nearest-name.ts";
export { once } from "./once.ts";
export { shownName, shownUrl } from "./shown-url.ts";
export type { OwnBytes, OwnFloats } from "./own-memory.ts";
export * as schema from "./schema.ts";
export type { Warning } from "./warning.ts";
export { nextTurn } from "./yield-to-event-loop.ts";
