// Both entries export the same names, so that one source builds for pages and for servers. Functions that do not work
// in one of them throw when they are called.
import { UsageError } from "@blip-ts/base";

/**
 * Node's entry was called for a function that works only in pages.
 * @remedy Follow the message's advice for Node.
 * @param instead the alternative here
 */
export const onlyInPages = (name: string, instead: string): UsageError =>
  new UsageError("usage/only-in-pages", `${name}: expected a page, got Node. ${instead}`, { name });

/**
 * A page's entry was called for a function that works only in Node.
 * @remedy Follow the message's advice for pages.
 * @param instead the alternative here
 */
export const onlyInNode = (name: string, instead: string): UsageError =>
  new UsageError("usage/only-in-node", `${name}: expected Node, got a page. ${instead}`, { name });

/**
 * `configure` was called with an unknown setting.
 * @remedy Use one of the settings that the message lists.
 */
export const unknownSetting = (name: string, known: readonly string[]): UsageError =>
  new UsageError(
    "usage/bad-setting",
    `configure: expected one of the settings ${known.join(", ")}, got "${name}". Correct its name.`,
    { name },
  );
