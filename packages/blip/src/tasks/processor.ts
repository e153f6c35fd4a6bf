// Pictures and texts as a model reads them (transformers `BlipProcessor`; BLIP's own transforms under `blip`, `lavis`).
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { defaultImageConfig, preprocess, type ImageConfig } from "../image/image-processor.ts";
import type { RgbImage } from "../image/raw-image.ts";
import type { Compat, DecodeOptions, Platform, SourceOptions, Warning } from "../platform.ts";
import { unlessAborted } from "../runtime/unless-aborted.ts";
import { preCaption, preQuestion } from "../text/pre-caption.ts";
import type { BertTokenizer, EncodedTexts, EncodeOptions } from "../text/word-piece.ts";
import { badOption } from "./errors.ts";
import { readImageConfig } from "./image-settings.ts";
import { openSource, readTokenizer } from "./open-model.ts";

export interface ProcessorOptions extends SourceOptions {
  /** Whose conventions where the references differ: `hf` unless told. */
  readonly compat?: Compat | undefined;
  /** How transparency becomes RGB: over white (`hf`), or the alpha channel dropped (`blip`, `lavis`). */
  readonly alpha?: DecodeOptions["alpha"] | undefined;
  /** `upright` turns pictures as their EXIF says (`blip`, `lavis`), `stored` leaves them (`hf`). */
  readonly orientation?: DecodeOptions["orientation"] | undefined;
  /**
   * Most pixels of an image, a whole number of at least 1: 178,956,970 unless told. An image that declares more is refused
   * (`image/too-large`) before memory is taken for its pixels.
   */
  readonly maxPixels?: number | undefined;
}

/** Pictures read, of all of a call. */
export interface ProcessorProgress {
  readonly kind: "process";
  readonly done: number;
  readonly total: number;
}

export interface ProcessorCallOptions extends EncodeOptions {
  readonly onProgress?: ((progress: ProcessorProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Most pixels of an image of this call, instead of the processor's own limit. */
  readonly maxPixels?: number | undefined;
  /** BLIP's clean-up of captions before the tokenizer; on for `blip` and `lavis`. */
  readonly preCaption?: boolean;
}

/** Callers in JavaScript are not held to the types. */
function oneOf(name: string, found: string, valid: readonly string[]): void {
  if (!valid.includes(found)) throw badOption(name, found, valid);
}

/** @throws {UsageError} `usage/bad-option` */
export function checkMaxPixels(maxPixels: number | undefined): void {
  if (maxPixels !== undefined && !(Number.isSafeInteger(maxPixels) && maxPixels >= 1))
    throw badOption("maxPixels", maxPixels, ["a whole number of at least 1"]);
}

/** How pictures are decoded, by convention; an explicit option wins. */
export function decodeDefaults(
  compat: Compat,
  options: Pick<ProcessorOptions, "alpha" | "orientation" | "maxPixels">,
) {
  const hf = compat === "hf";
  const { alpha = hf ? "white" : "drop", orientation = hf ? "stored" : "upright" } = options;
  oneOf("alpha", alpha, ["white", "drop"]);
  oneOf("orientation", orientation, ["stored", "upright"]);
  checkMaxPixels(options.maxPixels);
  return { alpha, orientation, grey16: hf ? "clip" : "scale", maxPixels: options.maxPixels } as const;
}

/** BLIP reads 30 words of a caption, and 35 tokens (configs/retrieval_*.yaml, models/blip_retrieval.py). */
const captionWords = 30;
const captionTokens = 35;
/** 50 words of a question and 35 tokens (data/vqa_dataset.py, models/blip_vqa.py); 40 words of NLVR2's statements, whole. */
const questionWords = 50;
const questionTokens = 35;
const statementWords = 40;

/** How BLIP cuts the texts of a task; undefined where texts are read as they are. */
export function textLimits(task: string, compat: Compat) {
  if (compat === "hf") return undefined;
  if (task === "ask") return { words: questionWords, tokens: questionTokens, cleanUp: "pre_question" };
  if (task === "compare") return { words: statementWords, tokens: undefined, cleanUp: "pre_caption" };
  return { words: captionWords, tokens: captionTokens, cleanUp: "pre_caption" };
}

/** Texts to ids by the conventions of a mode. */
export class TextProcessor {
  readonly tokenizer: BertTokenizer;
  readonly #positions: number;
  readonly #blip: boolean;

  /** @param positions the length of the model's position table */
  constructor(tokenizer: BertTokenizer, positions: number, compat: Compat) {
    this.tokenizer = tokenizer;
    this.#positions = positions;
    this.#blip = compat !== "hf";
  }

  /** A text as it is read: cleaned up under `blip` and `lavis`, which may leave nothing of it; as it is under `hf`. */
  clean(text: string, clean = this.#blip): string {
    return clean ? preCaption(text, captionWords) : text;
  }

  /** @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encode(texts: readonly string[], options: ProcessorCallOptions = {}): EncodedTexts {
    const cut = this.#blip ? { truncation: true, maxLength: captionTokens } : {};
    const plain = texts.map((text) => this.clean(text, options.preCaption));
    return this.tokenizer.encode(plain, this.#positions, { ...cut, ...options });
  }

  /** Questions about a picture. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeQuestions(questions: readonly string[]): EncodedTexts {
    if (!this.#blip) return this.tokenizer.encode(questions, this.#positions);
    const plain = questions.map((question) => preQuestion(question, questionWords));
    return this.tokenizer.encode(plain, this.#positions, { truncation: true, maxLength: questionTokens });
  }

  /** Statements about two pictures. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeStatements(statements: readonly string[]): EncodedTexts {
    const plain = this.#blip ? statements.map((text) => preCaption(text, statementWords)) : statements;
    return this.tokenizer.encode(plain, this.#positions);
  }

  /** Answers as a decoder is to say them, each for itself: [CLS] ... [SEP]. @throws {UsageError} `text/empty` */
  answerIds(answers: readonly string[]): number[][] {
    const { inputIds, attentionMask } = this.tokenizer.encode(answers, this.#positions);
    const [, length = 0] = inputIds.dims;
    return answers.map((_, row) =>
      Array.from(inputIds.data.subarray(row * length, (row + 1) * length), Number).filter(
        (_id, column) => attentionMask.data[row * length + column] === 1n,
      ),
    );
  }

  /** What a decoder said, without special tokens. transformers 5 leaves "it ' s" as it is. */
  decode(tokens: readonly number[]): string {
    return this.tokenizer.decode(tokens, { cleanUp: this.#blip });
  }
}

/** Pictures to pixel values. */
export class ImageProcessor<ImageInput> {
  readonly config: ImageConfig;
  /** Pictures that may be in memory at a time; undefined where it is the caller's choice. */
  readonly atOnce: number | undefined;
  readonly #decode: (input: ImageInput, signal?: AbortSignal, maxPixels?: number) => Promise<RgbImage>;

  constructor(platform: Platform<ImageInput>, config: ImageConfig, options: DecodeOptions, atOnce?: number) {
    this.config = config;
    this.atOnce = atOnce;
    this.#decode = (input, signal, maxPixels = options.maxPixels) =>
      platform.decodeImage(input, { ...options, signal, maxPixels });
  }

  /** [3, S, S] of one picture. @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option` */
  async pixels(input: ImageInput, signal?: AbortSignal, maxPixels?: number): Promise<Float32Array> {
    return this.prepare(await this.decode(input, signal, maxPixels));
  }

  /**
   * A picture as RGB bytes.
   * @param maxPixels most pixels of it, instead of this processor's own limit
   * @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option`
   */
  async decode(input: ImageInput, signal?: AbortSignal, maxPixels?: number): Promise<RgbImage> {
    checkMaxPixels(maxPixels);
    signal?.throwIfAborted();
    return this.#decode(input, signal, maxPixels);
  }

  /** [3, S, S] of a decoded picture. */
  prepare(image: RgbImage): Promise<Float32Array> {
    return preprocess(image, this.config);
  }

  /** [B, 3, S, S] of several pictures. @throws {InputError} `image/...` */
  async batch(
    inputs: readonly ImageInput[],
    { signal, maxPixels, onProgress }: Pick<ProcessorCallOptions, "signal" | "maxPixels" | "onProgress"> = {},
  ): Promise<Tensor<"float32">> {
    const pictures: Float32Array[] = [];
    // One at a time: a decoded photograph takes far more memory than its pixel values.
    const total = inputs.length;
    for (const input of inputs) {
      pictures.push(await this.pixels(input, signal, maxPixels));
      onProgress?.({ kind: "process", done: pictures.length, total });
    }
    return stackPixels(pictures, this.config);
  }
}

/** Pictures of one size as a batch [B, 3, S, S]. */
export function stackPixels(
  pictures: readonly Float32Array[],
  { height, width }: Pick<ImageConfig, "height" | "width">,
): Tensor<"float32"> {
  const data = new Float32Array(pictures.length * 3 * height * width);
  pictures.forEach((pixels, index) => data.set(pixels, index * 3 * height * width));
  return floatTensor([pictures.length, 3, height, width], data);
}

export interface ProcessedImages {
  /** [B, 3, S, S] */
  readonly pixelValues: Tensor<"float32">;
}

type OneOrMore<T> = T | readonly T[];

/** A processor is called with pictures and texts; one of each is a batch of one. */
export interface Processor<ImageInput> {
  (
    images: OneOrMore<ImageInput>,
    texts: OneOrMore<string>,
    options?: ProcessorCallOptions,
  ): Promise<ProcessedImages & EncodedTexts>;
  (
    images: OneOrMore<ImageInput>,
    texts?: undefined,
    options?: ProcessorCallOptions,
  ): Promise<ProcessedImages>;
  readonly imageProcessor: ImageProcessor<ImageInput>;
  readonly textProcessor: TextProcessor;
  readonly tokenizer: BertTokenizer;
}

const listOf = <T>(value: OneOrMore<T>): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

function callable<ImageInput>(
  images: ImageProcessor<ImageInput>,
  texts: TextProcessor,
): Processor<ImageInput> {
  async function process(
    pictures: OneOrMore<ImageInput>,
    sentences?: OneOrMore<string>,
    options: ProcessorCallOptions = {},
  ): Promise<ProcessedImages & Partial<EncodedTexts>> {
    const encoded = sentences === undefined ? {} : texts.encode(listOf(sentences), options);
    return { pixelValues: await images.batch(listOf(pictures), options), ...encoded };
  }
  // The overloads promise ids where texts are given, which is what `process` does.
  return Object.assign(process as Processor<ImageInput>, {
    imageProcessor: images,
    textProcessor: texts,
    tokenizer: texts.tokenizer,
  });
}

/**
 * The processor of a model: its image settings and its tokenizer. Weights are looked at only where those files
 * leave the picture's size or the vocabulary open.
 * @throws {ModelError} where the model cannot be found or its files cannot be used @throws the signal's reason
 */
export async function loadProcessor<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  options: ProcessorOptions = {},
): Promise<Processor<ImageInput>> {
  const { compat = "hf" } = options;
  const decode = decodeDefaults(compat, options);
  const { signal } = options;
  const { files, architecture } = await openSource(platform, source, options);
  const config =
    (await unlessAborted(readImageConfig(files), signal)) ??
    defaultImageConfig(architecture.vision?.imageSize ?? 384);
  const tokenizer = await unlessAborted(
    readTokenizer(files, architecture.text?.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  signal?.throwIfAborted();
  const onWarning = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
  const images = new ImageProcessor(platform, config, { ...decode, onWarning });
  return callable(images, new TextProcessor(tokenizer, architecture.text?.maxPositions ?? 512, compat));
}
