// The verb `compare`: classifies whether statements about two images are true (models/blip_nlvr.py).
import { BlipError, type ModelError, allFinite, must, expectOptions } from "@blip-ts/base";
import { expectPair } from "../image/expect-images.ts";
import type { Tensor } from "@blip-ts/graph";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { notFinite } from "@blip-ts/engine";
import { allFailed, failuresOf, orNotFinite, quoted } from "../run/finite.ts";
import { probabilityOf } from "./match.ts";
import { NaturalLanguageVisualReasoning } from "../classes/nlvr.ts";
import {
  rowError,
  type FailedRow,
  type ReadImageOptions,
  type VerbOptions,
  readImageOptionNames,
} from "./image-batches.ts";
import {
  RowVerb,
  type PixelBatch,
  type RowCallOptions,
  type SeenImage,
  type SeenRequest,
  rowCallOptionNames,
} from "./rows.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { textRows, trimmed } from "../run/text-batches.ts";
import { loadVerb, type VerbParts } from "./verb.ts";
import { checkMaxPixels, stackPixels } from "../processor/image-processor.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { noTexts } from "./errors.ts";

/** The judgement of a statement about two images. */
export interface CompareRow<ImageInput> {
  /** The images, as they were given. */
  readonly images: readonly [ImageInput, ImageInput];
  /** The statement, as it was given. */
  readonly statement: string;
  /** Whether the statement is true. */
  readonly label: boolean;
  /** softmax(logits)[1]: the probability that the statement is true, 0 to 1. */
  readonly probability: number;
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** Options of a call: its signal and the size limit of its images. */
export type CompareOptions = ReadImageOptions;

/** Two images with a statement, as a row. */
export interface CompareRequest<ImageInput> {
  /** The left and the right image. */
  readonly images: readonly [left: ImageInput, right: ImageInput];
  /** A statement about both images, in English. */
  readonly statement: string;
}

/** The judgement of one statement, without its images and text. */
export type CompareAnswer = Pick<CompareRow<never>, "label" | "probability">;

/** An NLVR2 model with the processors of its images and statements. */
export class Comparer<ImageInput> extends RowVerb<
  ImageInput,
  NaturalLanguageVisualReasoning,
  CompareRequest<ImageInput>,
  CompareAnswer,
  RowCallOptions
> {
  /** @throws {ModelError} if the model cannot be found, read, or used for NLVR2 */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Comparer<ImageInput>> {
    return loadVerb(platform, source, ["compare"], options, (parts) => Comparer.over(parts));
  }

  /** Creates a comparer over a loaded network. */
  static over<ImageInput>({ loaded, encoders, processors }: VerbParts<ImageInput>): Comparer<ImageInput> {
    return new Comparer(new NaturalLanguageVisualReasoning(loaded, encoders), processors);
  }

  /**
   * Judges statements about a left and a right image. If an image cannot be read, or its states are not finite, the
   * only rows are the errors of the images. A statement whose logits are not finite gives a row with its error. If all
   * statements fail this way, each image gives a row with that error instead.
   * @throws {UsageError} `usage/no-texts`, `text/empty` @throws {InputError} `text/too-long`
   */
  async *compare<Input extends ImageInput>(
    images: readonly [Input, Input],
    statements: readonly string[],
    options: CompareOptions = {},
  ): AsyncGenerator<CompareRow<Input> | FailedRow<Input>, void, undefined> {
    expectOptions("compare", options, readImageOptionNames);
    const { signal, maxPixels } = options;
    expectPair(images);
    const [left, right] = images;
    expectTexts(statements, "statements");
    if (statements.length === 0) throw noTexts("statements");
    checkMaxPixels(maxPixels);
    const { images: processor, texts } = this.processors;
    const encoded = texts.encodeStatements(statements);
    const pixels: Float32Array[] = [];
    for (const image of [left, right])
      try {
        pixels.push(await processor.pixels(image, signal, maxPixels));
      } catch (error) {
        if (!(error instanceof BlipError)) throw error;
        yield { image, error: { code: error.code, message: error.message } };
      }
    if (pixels.length < 2) return;
    const judgment = await orNotFinite(() =>
      this.#judge(stackPixels(pixels, processor.config), encoded, { signal }),
    );
    if (judgment instanceof BlipError) {
      for (const image of [left, right]) yield { image, error: rowError(judgment) };
      return;
    }
    const { name } = this.model.loaded.opened.files;
    const judged = statements.map((statement, index) => {
      const [no, yes] = [must(judgment.logits.data, 2 * index), must(judgment.logits.data, 2 * index + 1)];
      return judgementOf(name, statement, [no, yes]);
    });
    const none = allFailed(judged);
    const broken = judgment.broken.some((error) => error) ? judgment.broken : [none, none];
    for (const [side, image] of [left, right].entries()) {
      const error = broken[side];
      if (error) yield { image, error: rowError(error) };
    }
    if (broken.some((error) => error)) return;
    for (const [index, statement] of statements.entries()) {
      const row = judged[index];
      if (row instanceof BlipError) yield { image: left, statement, error: rowError(row) };
      else if (row) yield { images: [left, right], statement, ...row };
    }
  }

  /** @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  check({ statement }: Pick<CompareRequest<ImageInput>, "statement">): void {
    this.processors.texts.encodeStatements([statement]);
  }

  protected readonly callNames = rowCallOptionNames;

  protected checkOptions(): void {
    // The image options are checked when images are read.
  }

  protected imagesOf({ images }: CompareRequest<ImageInput>): readonly ImageInput[] {
    return images;
  }

  protected async see(
    { pixels }: PixelBatch,
    { signal }: RowCallOptions,
  ): Promise<(SeenImage | BlipError)[]> {
    if (!pixels) return [];
    const states = await this.model.images.states(pixels, { signal });
    return this.failuresOf("the states of the image", states).map(
      (broken, row) => broken ?? { states: rowsOf(states, row, row + 1) },
    );
  }

  protected async answer(
    rows: readonly SeenRequest<CompareRequest<ImageInput>>[],
    { signal }: RowCallOptions,
  ): Promise<(CompareAnswer[] | BlipError)[]> {
    const statements = rows.map(({ request }) => request.statement);
    const encoded = this.processors.texts.encodeStatements(statements);
    const pairs: (readonly [SeenImage, SeenImage])[] = [];
    const places = rows.map(({ images }) => {
      const [left, right] = [must(images, 0), must(images, 1)];
      const known = pairs.findIndex((pair) => pair[0] === left && pair[1] === right);
      return known < 0 ? pairs.push([left, right]) - 1 : known;
    });
    const work = {
      images: pairs.map(([left, right]) => [left.states.data, right.states.data] as const),
      states: must(must(pairs, 0)[0].states.dims, 1),
      rows: textRows(encoded).map((row, index) => ({ ...trimmed(row), image: must(places, index) })),
    };
    const { logits } = await this.model.texts.crossAttention.run(work, { head: "nlvr", signal });
    return statements.map((statement, row) => {
      const judged = judgementOf(this.name, statement, must(logits, row, "logits"));
      return judged instanceof BlipError ? judged : [judged];
    });
  }

  /** Returns the logits [B, 2] of the statements, and the errors of the two images. */
  async #judge(pixels: Tensor<"float32">, encoded: EncodedTexts, options: CompareOptions) {
    const { model } = this;
    model.prepareToJudge(encoded);
    const states = await model.images.states(pixels, options);
    const { logits } = await model.crossAttend(states, encoded, options);
    return { broken: failuresOf(model.loaded.opened.files.name, "the states of the image", states), logits };
  }
}

/** Computes the judgement from two logits, or an error if they are not finite. */
function judgementOf(
  model: string,
  statement: string,
  [no, yes]: readonly [number, number],
): CompareAnswer | ModelError {
  return allFinite([no, yes])
    ? { label: yes > no, probability: probabilityOf(no, yes) }
    : notFinite(model, `the logits of ${quoted(statement)}`);
}
