// The verb `compare`: are statements about two pictures true? (models/blip_nlvr.py)
import { allFinite, BlipError, UsageError } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { notFinite } from "@blip-ts/engine";
import { allFailed, failuresOf, orNotFinite, quoted } from "../run/finite.ts";
import { probabilityOf } from "./match.ts";
import { NaturalLanguageVisualReasoning } from "../classes/nlvr.ts";
import { rowError, type FailedRow, type ReadPictureOptions, type VerbOptions } from "./image-batches.ts";
import { loadVerb, Verb, type VerbParts } from "./verb.ts";
import { checkMaxPixels, stackPixels } from "../processor/image-processor.ts";

/** A statement about two pictures, judged. */
export interface CompareRow<ImageInput> {
  readonly images: readonly [ImageInput, ImageInput];
  readonly statement: string;
  readonly label: boolean;
  /** softmax(logits)[1]: how likely the statement is true, 0 to 1. */
  readonly probability: number;
}

/** What stops a call, and how large its pictures may be. */
export type CompareOptions = ReadPictureOptions;

/** An NLVR2 model with what turns pictures and statements into its inputs. */
export class Comparer<ImageInput> extends Verb<ImageInput, NaturalLanguageVisualReasoning> {
  /** @throws {ModelError} where the model cannot be found, read, or used for NLVR2 */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Comparer<ImageInput>> {
    return loadVerb(platform, source, ["compare"], options, (parts) => Comparer.over(parts));
  }

  /** One over a network that is loaded. */
  static over<ImageInput>({ loaded, encoders, processors }: VerbParts<ImageInput>): Comparer<ImageInput> {
    return new Comparer(new NaturalLanguageVisualReasoning(loaded, encoders), processors);
  }

  /**
   * Statements about a left and a right picture. A picture that cannot be read, or whose states are not finite, gives a
   * row with its error, and then there are no others. A statement whose logits are not finite gives one with its own;
   * where all are so, both pictures give one.
   * @throws {UsageError} `usage/no-texts`, `text/empty` @throws {InputError} `text/too-long`
   */
  async *compare<Input extends ImageInput>(
    [left, right]: readonly [Input, Input],
    statements: readonly string[],
    { signal, maxPixels }: CompareOptions = {},
  ): AsyncGenerator<CompareRow<Input> | FailedRow<Input>, void, undefined> {
    if (statements.length === 0)
      throw new UsageError("usage/no-texts", "there is no statement: give at least one");
    checkMaxPixels(maxPixels);
    const { images, texts } = this.processors;
    const encoded = texts.encodeStatements(statements);
    const pictures: Float32Array[] = [];
    for (const image of [left, right])
      try {
        pictures.push(await images.pixels(image, signal, maxPixels));
      } catch (error) {
        if (!(error instanceof BlipError)) throw error;
        yield { image, error: { code: error.code, message: error.message } };
      }
    if (pictures.length < 2) return;
    const found = await orNotFinite(() =>
      this.#judge(stackPixels(pictures, images.config), encoded, { signal }),
    );
    if (found instanceof BlipError) {
      for (const image of [left, right]) yield { image, error: rowError(found) };
      return;
    }
    const { name } = this.model.loaded.opened.files;
    const judged = statements.map((statement, index) => {
      const [no, yes] = [found.logits.data[2 * index] ?? NaN, found.logits.data[2 * index + 1] ?? NaN];
      return allFinite([no, yes])
        ? { label: yes > no, probability: probabilityOf(no, yes) }
        : notFinite(name, `the logits of ${quoted(statement)}`);
    });
    const none = allFailed(judged);
    const broken = found.broken.some((error) => error) ? found.broken : [none, none];
    for (const [place, image] of [left, right].entries()) {
      const error = broken[place];
      if (error) yield { image, error: rowError(error) };
    }
    if (broken.some((error) => error)) return;
    for (const [index, statement] of statements.entries()) {
      const row = judged[index];
      if (row instanceof BlipError) yield { image: left, statement, error: rowError(row) };
      else if (row) yield { images: [left, right], statement, ...row };
    }
  }

  /** Logits of statements [B, 2], and what is wrong with the two pictures. */
  async #judge(pixels: Tensor<"float32">, encoded: EncodedTexts, options: CompareOptions) {
    const { model } = this;
    model.prepareToJudge(encoded);
    const states = await model.images.states(pixels, options);
    const { logits } = await model.look(states, encoded, options);
    return { broken: failuresOf(model.loaded.opened.files.name, "the states of the image", states), logits };
  }
}
