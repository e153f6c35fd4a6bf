// Reads a model's image preprocessing settings. transformers 5 writes them into processor_config.json, under
// `image_processor`. Older versions write them into preprocessor_config.json, and may write a processor_config.json
// without image settings beside it. As in transformers 5.23 (image_processing_base.py `get_image_processor_dict`),
// processor_config.json takes precedence as a whole: a field that it lacks gets its default, even if
// preprocessor_config.json contains the field.
import { schema } from "@blip-ts/base";
import { badConfig } from "../image/errors.ts";
import { defaultImageConfig, parseImageConfig, type ImageConfig } from "../image/preprocess.ts";
import type { ModelFiles } from "../files.ts";
import { readJson } from "./open-model.ts";

const nested = "image_processor";

/** The schema of processor_config.json. Its image settings are checked by a separate schema. */
const processorSchema = schema.fields({ [nested]: schema.maybe(schema.anything()) });

/** Unchecked image settings, and their location. */
export interface ImageSettings {
  readonly fields: unknown;
  /** The file's name, for messages. */
  readonly name: string;
  /** The prefix of field names in this file: empty, or `image_processor.` */
  readonly prefix: string;
}

/**
 * Reads the image settings from a model's files. Returns undefined if there are none.
 * @throws {ModelError} `model/bad-json`, `model/side-file-too-large`, `image/bad-config`
 */
export async function readImageSettings(files: ModelFiles): Promise<ImageSettings | undefined> {
  const processor = await readJson(files, "processor_config.json");
  const name = `${files.name}/processor_config.json`;
  if (processor !== undefined) {
    const { value, mismatch } = schema.checked(processorSchema, processor);
    if (mismatch) throw badConfig(name, `${schema.mismatchText(mismatch)}. Correct the file.`);
    const fields = value[nested] ?? undefined;
    if (fields !== undefined) return { fields, name, prefix: `${nested}.` };
  }
  const old = await readJson(files, "preprocessor_config.json");
  return old === undefined
    ? undefined
    : { fields: old, name: `${files.name}/preprocessor_config.json`, prefix: "" };
}

/**
 * Reads and checks the image settings. Returns undefined if there are none.
 * @throws {ModelError} as `readImageSettings`, and `image/bad-config` with the file and the field
 */
export async function readImageConfig(files: ModelFiles): Promise<ImageConfig | undefined> {
  const settings = await readImageSettings(files);
  return settings && parseImageConfig(settings.fields, settings.name, settings.prefix);
}

/** Reads the preprocessing settings, and sets the network's image size. @throws {ModelError} as `readImageConfig` */
export async function imageConfigOf(
  { files }: { readonly files: ModelFiles },
  imageSize: number,
): Promise<ImageConfig> {
  const normal = defaultImageConfig(imageSize);
  const { height, width } = normal;
  return { ...((await readImageConfig(files)) ?? normal), height, width };
}
