// The errors between a page and its engine: one factory per error.
import { ModelError, UsageError } from "@blip-ts/base";

/**
 * onnxruntime-web cannot be loaded in the page.
 * @remedy Install and bundle it, or serve its files and name them with `configure({ runtime })`.
 */
export const runtimeMissing = (detail: string): ModelError =>
  new ModelError(
    "model/no-runtime",
    `onnxruntime-web cannot be loaded (${detail}). Install it (npm i onnxruntime-web@1.30.0) and bundle the page, ` +
      'or serve its dist/ folder and set its address: configure({ runtime: "/path/to/dist/" }).',
    { detail },
  );

/**
 * The engine's worker cannot be started in the page.
 * @remedy Serve dist/web-session-worker.js from the page's own origin, and name it with `configure({ worker })`.
 */
export const workerMissing = (detail: string, cause?: unknown): ModelError =>
  new ModelError(
    "model/no-runtime",
    `the engine's worker cannot be started (${detail}). Serve this package's dist/web-session-worker.js from the ` +
      'page\'s own origin and set its address: configure({ worker: "/path/to/web-session-worker.js" }).',
    { detail },
    { cause },
  );

/**
 * A page requested a profile, but has no file to write it to.
 * @remedy Use the browser's own profiler, or run it in Node.
 */
export const noTraces = (): UsageError =>
  new UsageError(
    "usage/profile",
    "profile: a page has no file to write a trace to. Use the browser's own profiler, or run it in Node.",
  );
