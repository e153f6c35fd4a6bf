// Splits a verb's options for transformers' classes: the model and the processor each take a part, and reject unknown
// options.
import type { ModelOptions, ProcessorOptions, VerbOptions } from "blip-ts";

/** The model's options. */
export function modelPart(options: VerbOptions): ModelOptions {
  const ofImages = { alpha: undefined, orientation: undefined, grey16: undefined, pillowOrder: undefined };
  return { ...options, ...ofImages, ...{ maxPixels: undefined, maxTextLength: undefined } };
}

/** The processor's options. */
export function processorPart(options: VerbOptions): ProcessorOptions {
  const { compat, alpha, orientation, grey16, pillowOrder, maxPixels, maxTextLength } = options;
  const { revision, offline, allowPrivateRedirects, signal, onProgress, onWarning } = options;
  return {
    ...{ compat, alpha, orientation, grey16, pillowOrder, maxPixels, maxTextLength },
    ...{ revision, offline, allowPrivateRedirects, signal, onProgress, onWarning },
  };
}
