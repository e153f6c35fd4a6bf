// A verb's options, as transformers' classes take them: the model has some of them, the processor others, and each refuses
// what it does not know.
import type { ModelOptions, ProcessorOptions, VerbOptions } from "blip-ts";

/** What the model is told. */
export function modelPart(options: VerbOptions): ModelOptions {
  const ofImages = { alpha: undefined, orientation: undefined, grey16: undefined, pillowOrder: undefined };
  return { ...options, ...ofImages, ...{ maxPixels: undefined, maxTextLength: undefined } };
}

/** What the processor is told. */
export function processorPart(options: VerbOptions): ProcessorOptions {
  const { compat, alpha, orientation, grey16, pillowOrder, maxPixels, maxTextLength } = options;
  const { revision, offline, allowPrivateRedirects, signal, onProgress, onWarning } = options;
  return {
    ...{ compat, alpha, orientation, grey16, pillowOrder, maxPixels, maxTextLength },
    ...{ revision, offline, allowPrivateRedirects, signal, onProgress, onWarning },
  };
}
