// The verb `caption`: describes images in words (models/blip.py `generate`).
import { BlipError, type ModelError, must, orClosed, expectOptions, withoutNames } from "@blip-ts/base";
import { expectImages } from "../image/expect-images.ts";
import type { Tensor } from "@blip-ts/graph";
import type { GenerationOptions } from "../decode/options.ts";
import type { Platform } from "../platform.ts";
import { blipPrompt, ConditionalGeneration } from "../classes/conditional-generation.ts";
import { pickRows } from "./distinct-images.ts";
import { notFinite } from "@blip-ts/engine";
import { failuresOf, quoted } from "../run/finite.ts";
import { type SeedsOfRows, sumOf } from "../run/generate.ts";
import { memoryOfEach } from "../load/memory-plan.ts";
import { memoryNeeded } from "../load/load-model.ts";
import { openTasks } from "../load/open-tasks.ts";
import { ImageEncoder } from "../run/image-encoder.ts";
import { imageHeadOf } from "../tasks/index.ts";
import { Matcher } from "./match.ts";
import {
  answersOf,
  chunks,
  inOrder,
  processorsOf,
  readBatches,
  verbOptions,
  type FailedRow,
  type ReadBatch,
  type Processors,
  type VerbOptions,
} from "./image-batches.ts";
import { imagesOfRows, RowVerb, stacked, type PixelBatch, type SeenImage, type SeenRequest } from "./rows.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { loadVerb, partsOfTask, type VerbParts } from "./verb.ts";
import { expectTexts } from "../text/expect-texts.ts";
import type {
  Caption,
  CaptionerOptions,
  CaptionOptions,
  CaptionRequest,
  CaptionRow,
  CaptionRowOptions,
  CaptionToken,
} from "./caption-types.ts";
import { unequalPrompts } from "./errors.ts";

import { captionOptionNames, captionRowOptionNames } from "./caption-types.ts";

export type * from "./caption-types.ts";

type Captions = readonly Caption[];

/** The states of images [I, N, D] by the captioning model and, if captions are scored, by the matching model. */
interface SeenImages {
  readonly states: Tensor<"float32">;
  readonly matched: Tensor<"float32"> | undefined;
  /** The error of each image's states, if any. */
  readonly broken: readonly (ModelError | undefined)[];
}

/** A captioning model with the processors of its images and tokens. */
export class Captioner<ImageInput> extends RowVerb<
  ImageInput,
  ConditionalGeneration,
  CaptionRequest<ImageInput>,
  Caption,
  CaptionRowOptions
> {
  readonly #matcher: Matcher<ImageInput> | undefined;

  private constructor(
    model: ConditionalGeneration,
    processors: Processors<ImageInput>,
    matcher: Matcher<ImageInput> | undefined,
  ) {
    super(model, processors);
    this.#matcher = matcher;
  }

  /** @throws {ModelError} if a model cannot be found, read, or used for its task */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: CaptionerOptions = {},
  ): Promise<Captioner<ImageInput>> {
    const { matchModel, score = false, ...own } = options;
    if (matchModel === undefined)
      return score
        ? Captioner.#loadScoring(platform, source, verbOptions(own))
        : loadVerb(platform, source, ["caption"], own, (parts) => Captioner.over(parts));
    // The revision, the image size and the adapter apply to the captioner only.
    const matching = {
      ...verbOptions(own),
      ...{ revision: undefined, imageSize: undefined, adapter: undefined },
    };
    const [share, matchShare] =
      own.memory === undefined
        ? []
        : memoryOfEach(own.memory, [
            await memoryNeeded(platform, source, ["caption"], verbOptions(own)),
            await memoryNeeded(platform, matchModel, ["match"], matching),
          ]);
    const loadMatcher = () =>
      loadVerb(platform, matchModel, ["match"], matching, (parts) => Matcher.over(parts), matchShare);
    const make = async (parts: VerbParts<ImageInput>) => Captioner.over(parts, await loadMatcher());
    return loadVerb(platform, source, ["caption"], own, make, share);
  }

  /**
   * Creates a captioner scored by the same file, or by another part of the suite. Both tasks share image encodings.
   */
  static async #loadScoring<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions,
  ): Promise<Captioner<ImageInput>> {
    const tasks = ["caption", "match"] as const;
    const open = await openTasks(platform, source, options, { tasks, holds: false });
    const make = async () => {
      const images = new ImageEncoder(open.images, imageHeadOf(tasks, open.images.opened.architecture));
      const processors = await processorsOf(platform, open.images, options);
      const [captioning, matching] = [
        await partsOfTask(open, "caption", images, processors),
        await partsOfTask(open, "match", images, processors),
      ];
      return Captioner.over(captioning, Matcher.over(matching));
    };
    return orClosed(open, make, options.signal);
  }

  /** Creates a captioner over a loaded network. @param matcher scores captions, with this network or another one */
  static async over<ImageInput>(
    { loaded, encoders, processors }: VerbParts<ImageInput>,
    matcher?: Matcher<ImageInput>,
  ): Promise<Captioner<ImageInput>> {
    return new Captioner(await ConditionalGeneration.over(loaded, encoders), processors, matcher);
  }

  /**
   * Captions images in order, with `numReturn` rows each, best first. An image that cannot be read, or whose results
   * are not finite, gives one row with its error.
   * @throws {UsageError} `usage/no-images`, `usage/bad-option`, `usage/unequal-prompts`, `generate/...`
   * @throws {InputError} `text/too-long` for a prompt longer than the position table
   */
  async *caption<Input extends ImageInput>(
    images: readonly Input[],
    options: CaptionOptions = {},
  ): AsyncGenerator<CaptionRow<Input> | FailedRow<Input>, void, undefined> {
    expectOptions("caption", options, captionOptionNames);
    expectImages(images);
    const prompts = this.#prompts(options.prompt, images.length);
    // Check the call before any image is read.
    this.model.generator.options(prompts, options);
    this.model.generator.decoder.prepare();
    let from = 0;
    for await (const batch of readBatches(images, this.processors.images, options, this.otherImages)) {
      const own = prompts.slice(from, from + batch.images.length);
      const readable = own.filter((_, index) => typeof batch.places[index] === "number");
      from += batch.images.length;
      const { pixels } = batch;
      const rows = await answersOf(async () =>
        pixels ? this.#rows(await this.#see(pixels, batch, options), readable, options) : [],
      );
      yield* inOrder(batch, rows);
    }
  }

  /** @throws {UsageError} `usage/bad-option`, `generate/...` @throws {InputError} `text/too-long` */
  check({ prompt, seed }: Omit<CaptionRequest<unknown>, "image">, options: GenerationOptions): void {
    this.model.generator.options(
      this.#prompts(prompt, 1),
      seed === undefined ? options : { ...options, seed },
    );
  }

  /**
   * Streams the caption of one image, token by token.
   * @throws {UsageError} `generate/cannot-stream` if options ask for beams or several captions
   * @throws {InputError} `image/...` @throws {ModelError} `model/not-finite`
   */
  async *stream(
    image: ImageInput,
    options: Omit<CaptionOptions, "imageBatchSize" | "onProgress"> = {},
  ): AsyncGenerator<CaptionToken, void, undefined> {
    expectOptions("stream", options, withoutNames(captionOptionNames, "imageBatchSize", "onProgress"));
    const { compat } = this.model.loaded;
    const prompts = this.#prompts(options.prompt, 1);
    // The reference code's default of three beams does not apply, because beams cannot be streamed.
    const single = { ...options, beams: options.beams ?? (compat === "hf" ? undefined : 1) };
    this.model.generator.options(prompts, single);
    const pixels = await this.processors.images.batch([image], options);
    const states = await this.model.images.states(pixels, options);
    const [broken] = this.#brokenIn(states);
    if (broken) throw broken;
    const [prompt = []] = prompts;
    for await (const token of this.model.generator.stream({ states }, prompt, single, options))
      yield { ...token, caption: this.#textOf(token.tokens, prompt) };
  }

  /** Frees the captioning model and the model that scores captions. A second call has no effect. */
  override async close(): Promise<void> {
    await super.close();
    await this.#matcher?.close();
  }

  /**
   * Captions encoded images. Returns the rows of each request, or the request's error.
   * @param states [B, N, D] from this model's image encoder, in the order of the requests
   * @throws {UsageError} `generate/...` @throws {InputError} `text/too-long` @throws the signal's reason
   */
  captionsOf(
    states: Tensor<"float32">,
    requests: readonly Omit<CaptionRequest<never>, "image">[],
    options: CaptionRowOptions = {},
  ): Promise<(Captions | BlipError)[]> {
    const seen = { states, matched: undefined, broken: this.#brokenIn(states) };
    const prompts = requests.flatMap(({ prompt }) => this.#prompts(prompt, 1));
    return this.#rows(seen, prompts, options, { seeds: requests.map(({ seed }) => seed) });
  }

  protected readonly callNames = captionRowOptionNames;

  protected checkOptions(options: CaptionRowOptions): void {
    this.model.generator.options([[this.model.loaded.tokens.dec]], options);
  }

  protected imagesOf({ image }: CaptionRequest<ImageInput>): readonly ImageInput[] {
    return [image];
  }

  protected async see(batch: PixelBatch, options: CaptionRowOptions): Promise<(SeenImage | BlipError)[]> {
    if (!batch.pixels) return [];
    const { states, matched, broken } = await this.#see(batch.pixels, batch, options);
    return broken.map(
      (failure, row) =>
        failure ?? {
          states: rowsOf(states, row, row + 1),
          matched: matched && rowsOf(matched, row, row + 1),
        },
    );
  }

  protected async answer(
    rows: readonly SeenRequest<CaptionRequest<ImageInput>>[],
    options: CaptionRowOptions,
  ): Promise<(Captions | BlipError)[]> {
    const answers: (Captions | BlipError)[] = [];
    // The limit on images per batch also limits the captions per batch.
    const { images: most = Infinity } = this.model.loaded.limits;
    for (const some of chunks(rows, Math.min(most, options.imageBatchSize ?? rows.length))) {
      const { images, places } = imagesOfRows(some);
      const matched = images.flatMap((image) => image.matched ?? []);
      const seen: SeenImages = {
        states: stacked(images.map(({ states }) => states)),
        matched: matched.length > 0 ? stacked(matched) : undefined,
        broken: [],
      };
      const prompts = some.flatMap(({ request }) => this.#prompts(request.prompt, 1));
      const seeds = some.map(({ request }) => request.seed);
      answers.push(...(await this.#rows(seen, prompts, options, { places, seeds })));
    }
    return answers;
  }

  /** Whether one image encoder serves captions and their scores. */
  get #shared(): boolean {
    return this.#matcher?.model.images === this.model.images;
  }

  /** The image processor of the other model's matching heads. */
  protected override get otherImages() {
    return this.#shared ? undefined : this.#matcher?.processors.images;
  }

  #prompts(prompt: CaptionOptions["prompt"], count: number): number[][] {
    const { compat, tokens } = this.model.loaded;
    const texts = prompt ?? (compat === "hf" ? "" : blipPrompt);
    if (typeof texts !== "string") expectTexts(texts, "prompt");
    if (typeof texts !== "string" && texts.length !== count) throw unequalPrompts(texts.length, count);
    const idsOf = (text: string): number[] => {
      if (text.trim() === "") return [tokens.dec];
      const [ids = []] = this.processors.texts.answerIds([text]);
      return this.model.promptOf(ids);
    };
    if (typeof texts !== "string") return texts.map(idsOf);
    const ids = idsOf(texts);
    return Array.from({ length: count }, () => ids);
  }

  /**
   * The caption without the prompt. BLIP removes the prompt; its demo removes as many characters as the prompt has,
   * plus a space. transformers keeps the prompt.
   */
  #textOf(tokens: readonly number[], prompt: readonly number[]): string {
    const { texts } = this.processors;
    const text = texts.decode(tokens);
    if (this.model.loaded.compat === "hf") return text;
    const begins = texts.decode(prompt);
    if (this.model.loaded.compat === "demo") return begins === "" ? text : text.slice(begins.length + 1);
    return text.startsWith(begins) ? text.slice(begins.length).trim() : text;
  }

  /** Encodes images for the decoder and for the matching model. */
  async #see(
    pixels: Tensor<"float32">,
    { otherPixels }: Pick<ReadBatch<unknown>, "otherPixels">,
    { signal }: Pick<CaptionOptions, "signal">,
  ): Promise<SeenImages> {
    const states = await this.model.images.states(pixels, { signal });
    const matcher = this.#matcher;
    const broken = this.#brokenIn(states);
    if (!matcher) return { states, matched: undefined, broken };
    if (this.#shared) return { states, matched: states, broken };
    const { images, loaded } = matcher.model;
    const matched = (await images.encode(otherPixels ?? pixels, { signal })).states;
    const brokenThere = this.#brokenIn(matched, loaded);
    return { states, matched, broken: broken.map((one, place) => one ?? brokenThere[place]) };
  }

  #brokenIn(states: Tensor<"float32">, { opened } = this.model.loaded) {
    return failuresOf(opened.files.name, "the states of the image", states);
  }

  /**
   * The rows or the error of each prompt. @param of `places`: the image index of each prompt; default: its own index
   */
  async #rows(
    seen: SeenImages,
    prompts: readonly (readonly number[])[],
    options: CaptionOptions,
    of: { readonly places?: readonly number[] } & SeedsOfRows = {},
  ): Promise<(Captions | BlipError)[]> {
    const { places = prompts.map((_, index) => index), seeds } = of;
    const { signal } = options;
    const states = pickRows(seen.states, places);
    const generated = await this.model.generator.generateEach({ states }, prompts, options, {
      signal,
      seeds,
    });
    const rows = generated.map((hypotheses, row): Captions | BlipError => {
      const broken = seen.broken[must(places, row)];
      if (broken) return broken;
      if (hypotheses instanceof BlipError) return hypotheses;
      return hypotheses.map((hypothesis) => ({
        caption: this.#textOf(hypothesis.tokens, must(prompts, row)),
        tokens: hypothesis.tokens,
        logProbability: sumOf(hypothesis),
      }));
    });
    return this.#scored(seen, rows, places, signal);
  }

  /** Adds the ITM probability of each caption to the rows, if the captioner has a matcher. */
  async #scored(
    { matched }: SeenImages,
    rows: readonly (Captions | BlipError)[],
    places: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<(Captions | BlipError)[]> {
    const matcher = this.#matcher;
    if (!matcher || !matched) return [...rows];
    const { name } = matcher.model.loaded.opened.files;
    const scored: (Captions | BlipError)[] = [...rows];
    // All successful rows of a call have the same number of captions. Failed rows have no captions to score.
    const asked = rows.flatMap((row, index) => (row instanceof BlipError ? [] : [{ row, index }]));
    if (asked.length === 0) return scored;
    const states = pickRows(
      matched,
      asked.map(({ index }) => must(places, index)),
    );
    const captions = asked.flatMap(({ row }) => row.map(({ caption }) => caption));
    const scores = await matcher.probabilities(states, captions, { signal });
    let next = 0;
    for (const { row, index } of asked) {
      const own = row.map((caption) => ({ ...caption, match: must(scores, next++) }));
      const broken = own.find(({ match }) => match !== null && !Number.isFinite(match));
      scored[index] = broken ? notFinite(name, `the ITM logits of ${quoted(broken.caption)}`) : own;
    }
    return scored;
  }
}
