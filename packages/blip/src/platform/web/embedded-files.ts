// The files of this package's models/ folder in a page. Bundlers copy only files with literal URLs, so each is listed.
import { folderUrl } from "@blip-ts/engine/web";
import { currentSettings } from "./settings.ts";

/** The name of the model bundled with this package. */
export const embeddedModel = "picture-book";

/** The addresses beside the script, by the path within models/. */
export const embeddedFiles: Readonly<Record<string, () => URL>> = {
  "picture-book/config.json": () => new URL("../models/picture-book/config.json", import.meta.url),
  "picture-book/model.safetensors": () =>
    new URL("../models/picture-book/model.safetensors", import.meta.url),
  "picture-book/preprocessor_config.json": () =>
    new URL("../models/picture-book/preprocessor_config.json", import.meta.url),
  "picture-book/tokenizer.json": () => new URL("../models/picture-book/tokenizer.json", import.meta.url),
  "picture-book/tokenizer_config.json": () =>
    new URL("../models/picture-book/tokenizer_config.json", import.meta.url),
  "picture-book/vocab.txt": () => new URL("../models/picture-book/vocab.txt", import.meta.url),
  "bert-base-uncased/vocab.txt": () => new URL("../models/bert-base-uncased/vocab.txt", import.meta.url),
};

/** The address of a file in this package's models/; undefined if the package has no such file. */
export function embeddedUrl(file: string): string | undefined {
  const { models } = currentSettings();
  const known = embeddedFiles[file];
  if (!known) return undefined;
  return models === undefined ? known().href : folderUrl(models) + file;
}
