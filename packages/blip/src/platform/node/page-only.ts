// Page-only functions, exported by Node's entry under the names of the page's entry: a page's module may also be
// rendered on a server, where it imports Node's entry.
import { onlyInPages } from "../../entry-errors.ts";
import { expectSettings, type WebSettings } from "../../page-settings.ts";

/** The environment variables that set the same in Node. */
const inNode = { hub: "HF_ENDPOINT", token: "HF_TOKEN", cache: "HF_HOME" } as const;

/**
 * Sets the addresses of a page's files. Node needs no addresses, so these settings have no effect here: a server may
 * import a page's module.
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
