// The files of this package's models/ folder in a page. Bundlers copy only files with literal URLs, so each is listed.
import { folderUrl } from "@blip-ts/engine/web";
import { currentSettings } from "./settings.ts";

/** The name of the model bundled with this package. */
export const embeddedModel = "picture-book";

/** The addresses beside the script, by the path within models/. */
export const embeddedFiles: Readonly<Record<string, () => URL>> = {
  "picture-book/ask/config.json": () => new URL("../models/picture-book/ask/config.json", import.meta.url),
  "picture-book/ask/model.safetensors": () =>
    new URL("../models/picture-book/ask/model.safetensors", import.meta.url),
  "picture-book/ask/preprocessor_config.json": () =>
    new URL("../models/picture-book/ask/preprocessor_config.json", import.meta.url),
  "picture-book/ask/tokenizer.json": () =>
    new URL("../models/picture-book/ask/tokenizer.json", import.meta.url),
  "picture-book/ask/tokenizer_config.json": () =>
    new URL("../models/picture-book/ask/tokenizer_config.json", import.meta.url),
  "picture-book/ask/vocab.txt": () => new URL("../models/picture-book/ask/vocab.txt", import.meta.url),
  "picture-book/caption/config.json": () =>
    new URL("../models/picture-book/caption/config.json", import.meta.url),
  "picture-book/caption/model.safetensors": () =>
    new URL("../models/picture-book/caption/model.safetensors", import.meta.url),
  "picture-book/caption/preprocessor_config.json": () =>
    new URL("../models/picture-book/caption/preprocessor_config.json", import.meta.url),
  "picture-book/caption/tokenizer.json": () =>
    new URL("../models/picture-book/caption/tokenizer.json", import.meta.url),
  "picture-book/caption/tokenizer_config.json": () =>
    new URL("../models/picture-book/caption/tokenizer_config.json", import.meta.url),
  "picture-book/caption/vocab.txt": () =>
    new URL("../models/picture-book/caption/vocab.txt", import.meta.url),
  "picture-book/compare/config.json": () =>
    new URL("../models/picture-book/compare/config.json", import.meta.url),
  "picture-book/compare/model.safetensors": () =>
    new URL("../models/picture-book/compare/model.safetensors", import.meta.url),
  "picture-book/compare/preprocessor_config.json": () =>
    new URL("../models/picture-book/compare/preprocessor_config.json", import.meta.url),
  "picture-book/compare/tokenizer.json": () =>
    new URL("../models/picture-book/compare/tokenizer.json", import.meta.url),
  "picture-book/compare/tokenizer_config.json": () =>
    new URL("../models/picture-book/compare/tokenizer_config.json", import.meta.url),
  "picture-book/compare/vocab.txt": () =>
    new URL("../models/picture-book/compare/vocab.txt", import.meta.url),
  "picture-book/image_encoder/model.safetensors": () =>
    new URL("../models/picture-book/image_encoder/model.safetensors", import.meta.url),
  "picture-book/match/config.json": () =>
    new URL("../models/picture-book/match/config.json", import.meta.url),
  "picture-book/match/model.safetensors": () =>
    new URL("../models/picture-book/match/model.safetensors", import.meta.url),
  "picture-book/match/preprocessor_config.json": () =>
    new URL("../models/picture-book/match/preprocessor_config.json", import.meta.url),
  "picture-book/match/tokenizer.json": () =>
    new URL("../models/picture-book/match/tokenizer.json", import.meta.url),
  "picture-book/match/tokenizer_config.json": () =>
    new URL("../models/picture-book/match/tokenizer_config.json", import.meta.url),
  "picture-book/match/vocab.txt": () => new URL("../models/picture-book/match/vocab.txt", import.meta.url),
  "picture-book/model_index.json": () => new URL("../models/picture-book/model_index.json", import.meta.url),
  "bert-base-uncased/vocab.txt": () => new URL("../models/bert-base-uncased/vocab.txt", import.meta.url),
};

/** The address of a file in this package's models/; undefined if the package has no such file. */
export function embeddedUrl(file: string): string | undefined {
  const { models } = currentSettings();
  const known = embeddedFiles[file];
  if (!known) return undefined;
  return models === undefined ? known().href : folderUrl(models) + file;
}
