// Both entries export the same names, so that one source builds for pages and for servers. What cannot work in one of them
// says so when it is called.
import { UsageError } from "@blip-ts/base";

/**
 * Node's entry was asked for what works in pages only.
 * @remedy Do what the message says for Node.
 * @param instead what to do here
 */
export const onlyInPages = (name: string, instead: string): UsageError =>
  new UsageError("usage/only-in-pages", `${name}: expected a page, got Node. ${instead}`, { name });

/**
 * A page's entry was asked for what works in Node only.
 * @remedy Do what the message says for pages.
 * @param instead what to do here
 */
export const onlyInNode = (name: string, instead: string): UsageError =>
  new UsageError("usage/only-in-node", `${name}: expected Node, got a page. ${instead}`, { name });

/**
 * `configure` is called with a setting that does not exist.
 * @remedy Use one of the settings that the message lists.
 */
export const unknownSetting = (name: string, known: readonly string[]): UsageError =>
  new UsageError(
    "usage/bad-setting",
    `configure: expected one of the settings ${known.join(", ")}, got "${name}". Correct its name.`,
    { name },
  );
