// What the page's entry has and Node cannot do.
import { onlyInPages } from "../../entry-errors.ts";
import type { WebSettings } from "../../page-settings.ts";

/**
 * Where a page's files are: in pages alone.
 * @throws {UsageError} `usage/only-in-pages`
 */
export const configure: (settings: WebSettings) => void = () => {
  throw onlyInPages(
    "configure",
    "Call it in the browser only; Node finds its files by itself, and the Hub by HF_ENDPOINT and HF_TOKEN.",
  );
};

/**
 * Throws away what the browser's Cache keeps: in pages alone.
 * @throws {UsageError} `usage/only-in-pages`
 */
export const clearCache: (url?: string) => Promise<string[]> = () =>
  Promise.reject(
    onlyInPages(
      "clearCache",
      "Call it in the browser only; Node's cache is the folder of HF_HOME, which may be deleted.",
    ),
  );
