// Functions that work only in pages. Node's entry also exports them, because a page's module may be rendered on a
// server, where it imports Node's entry.
import { onlyInPages } from "../../entry-errors.ts";
import { expectSettings, type WebSettings } from "../../page-settings.ts";

/** The environment variables with the same effect in Node. */
const inNode = { hub: "HF_ENDPOINT", token: "HF_TOKEN", cache: "HF_HOME" } as const;

/**
 * Sets the addresses of a page's files. Has no effect in Node, which needs no addresses, so that a server may import a
 * page's module.
 * @throws {UsageError} `usage/bad-setting` for an unknown name; `usage/only-in-pages` for `hub`, `token` and `cache`,
 * which Node takes from the environment
 */
export function configure(settings: WebSettings): void {
  expectSettings(settings);
  for (const [name, variable] of Object.entries(inNode))
    if (name in settings)
      throw onlyInPages(`configure: ${name}`, `Set ${variable} in the environment instead.`);
}

/**
 * Empties the browser's Cache. Works in pages only.
 * @throws {UsageError} `usage/only-in-pages`
 */
export const clearCache: (url?: string) => Promise<string[]> = () =>
  Promise.reject(
    onlyInPages(
      "clearCache",
      "Node keeps models in $HF_HOME/hub and converted weights in $HF_HOME/blip-ts: delete them there.",
    ),
  );
