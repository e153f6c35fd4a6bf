// What a page says once about where things are: the engine's files, this package's models, the Hub.
import type { OptionNames } from "@blip-ts/base";
import type { WebEngineSettings } from "@blip-ts/engine/web";
import { expectSettings, settingNames } from "../../page-settings.ts";

/** Where a page's files are, and how its engine runs. */
export interface WebSettings extends WebEngineSettings {
  /** This package's `web-image-worker.js`, or what starts it; without it, the file beside this module. */
  readonly imageWorker?: string | URL | (() => Worker) | undefined;
  /** The folder of this package's `models/`; without it, found from this module's own address. */
  readonly models?: string | URL | undefined;
  /** Where Hub ids are resolved: https://huggingface.co unless told. */
  readonly hub?: string | URL | undefined;
  /** None unless told. Sent to the Hub alone. Everyone who opens the page can read it. */
  readonly token?: string | undefined;
  /** Keeps what was fetched of checkpoints in the browser's Cache; on unless told. */
  readonly cache?: boolean | undefined;
}

// Both entries know the same names: the compiler compares them.
settingNames satisfies OptionNames<WebSettings>;

let settings: WebSettings = {};

/**
 * Says where a page's files are. What is said later is added; engines that run keep what they began with.
 * @throws {UsageError} `usage/bad-setting`
 */
export function configure(more: WebSettings): void {
  expectSettings(more);
  settings = { ...settings, ...more };
}

export const currentSettings = (): WebSettings => settings;
