// A page's settings: the addresses of the engine's files, of this package's models, and of the Hub.
import type { OptionNames } from "@blip-ts/base";
import type { WebEngineSettings } from "@blip-ts/engine/web";
import { expectSettings, settingNames } from "../../page-settings.ts";

/** The addresses of a page's files, and options of its engine. */
export interface WebSettings extends WebEngineSettings {
  /**
   * The address of this package's `web-image-worker.js`, or a function that starts it; by default the file beside this
   * module.
   */
  readonly imageWorker?: string | URL | (() => Worker) | undefined;
  /** The address of this package's `models/` folder; by default derived from this module's own address. */
  readonly models?: string | URL | undefined;
  /** The base address for Hub ids; by default https://huggingface.co. */
  readonly hub?: string | URL | undefined;
  /** A token for the Hub; none by default. Sent only to the Hub. Everyone who opens the page can read the token. */
  readonly token?: string | undefined;
  /** Keeps fetched parts of checkpoints in the browser's Cache; on by default. */
  readonly cache?: boolean | undefined;
}

// The compiler checks that both entries know the same names.
settingNames satisfies OptionNames<WebSettings>;

let settings: WebSettings = {};

/**
 * Sets the addresses of a page's files. Later calls add to earlier settings; running engines keep the settings they
 * started with.
 * @throws {UsageError} `usage/bad-setting`
 */
export function configure(more: WebSettings): void {
  expectSettings(more);
  settings = { ...settings, ...more };
}

export const currentSettings = (): WebSettings => settings;
