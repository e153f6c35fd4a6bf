// How a model says that its images are made pixel values. transformers 5 writes it into processor_config.json, under
// `image_processor`; older ones into preprocessor_config.json, beside a processor_config.json that says other things or
// none. As in transformers 5.23 (image_processing_base.py `get_image_processor_dict`) the former wins, and whole: what it
// leaves out has its default, whatever the latter says.
import { schema } from "@blip-ts/base";
import { badConfig } from "../image/errors.ts";
import { defaultImageConfig, parseImageConfig, type ImageConfig } from "../image/preprocess.ts";
import type { ModelFiles } from "../files.ts";
import { readJson } from "./open-model.ts";

const nested = "image_processor";

/** processor_config.json; its image settings are held against a schema of their own. */
const processorSchema = schema.fields({ [nested]: schema.maybe(schema.anything()) });

/** The settings as they are written, and where. */
export interface ImageSettings {
  readonly fields: unknown;
  /** The file, for messages. */
  readonly name: string;
  /** What stands before a field's name in it: nothing, or `image_processor.` */
  readonly prefix: string;
}

/**
 * What a model's files say of its images; undefined where they say nothing.
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
 * The same, checked; undefined where the files say nothing.
 * @throws {ModelError} as above, and `image/bad-config` with the file and the field
 */
export async function readImageConfig(files: ModelFiles): Promise<ImageConfig | undefined> {
  const settings = await readImageSettings(files);
  return settings && parseImageConfig(settings.fields, settings.name, settings.prefix);
}

/** How a model's images are made pixel values; their size is the network's own. @throws {ModelError} as `readImageConfig` */
export async function imageConfigOf(
  { files }: { readonly files: ModelFiles },
  imageSize: number,
): Promise<ImageConfig> {
  const normal = defaultImageConfig(imageSize);
  const { height, width } = normal;
  return { ...((await readImageConfig(files)) ?? normal), height, width };
}
