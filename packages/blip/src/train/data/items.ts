// Training samples from a reader's examples: one per caption, question or statement, with texts cleaned as in BLIP's
// data sets (data/coco_karpathy_dataset.py, vqa_dataset.py, nlvr_dataset.py, pretrain_dataset.py).
import { InputError } from "@blip-ts/base";
import {
  imageKeyOf,
  placeName,
  type ExampleOf,
  type ImageSource,
  type PlaceName,
  type Task,
} from "@blip-ts/datasets";
import { preCaption, preQuestion } from "../../text/pre-caption.ts";
import type { TrainingTask } from "./batch.ts";
import { badPatches, noAnswers, noCaptions, noLabel, nothingLeft } from "./errors.ts";
import type { PatchLabels } from "./options.ts";
import { sentencesOf } from "./sentences.ts";

/** The dataset task whose reader reads each training task's data. */
export const readerTasks = {
  match: "retrieval",
  caption: "caption",
  vqa: "vqa",
  nlvr: "nlvr",
  pretrain: "pretrain",
} as const satisfies Readonly<Record<TrainingTask, Task>>;

export type ReaderTask<T extends TrainingTask = TrainingTask> = (typeof readerTasks)[T];

export interface Texts {
  readonly maxWords: number;
  readonly prompt: string;
  readonly patches?: PatchLabels | undefined;
  /** The share of captions to shorten. If it is above 0, samples store their sentences. */
  readonly shorten: number;
  /** Whether samples store the false captions of their image. */
  readonly falseCaptions: boolean;
}

/** One sample of any task. */
export interface Item {
  /** One image, or two for `nlvr`. */
  readonly images: readonly ImageSource[];
  /** The caption, question or statement. */
  readonly text: string;
  /** The sentences of a caption that may be shortened: at least two, as written in the data. */
  readonly sentences?: readonly string[];
  readonly answers?: readonly string[];
  readonly weights?: readonly number[];
  readonly label?: 0 | 1;
  /** `match`, `pretrain`: cleaned false captions of the image, at least one. */
  readonly falseCaptions?: readonly string[];
  /** `pretrain`: the number of each patch's name; -1 if unknown. */
  readonly patches?: readonly number[];
  /** `match`: a key of the image, equal for all its texts. */
  readonly imageKey?: string;
  /** The row's place in the data, for messages. */
  readonly place: PlaceName;
}

/** A sample, or the reason why there is none. */
export type ItemOutcome = Item | InputError;

/**
 * Whether the tokenizer finds no token in a text: spaces, control and format characters (U+200B), and accents without a
 * letter.
 */
const isBlank = (text: string): boolean => /^[\s\p{C}\p{Mn}\uFFFD]*$/u.test(text);

function caption(text: string, place: PlaceName, { maxWords }: Texts): string {
  const clean = preCaption(text, maxWords);
  if (isBlank(clean)) throw nothingLeft(place, text);
  return clean;
}

/** The sentences of a caption, if it may be shortened. */
function sentences(text: string, { shorten, maxWords }: Texts): Pick<Item, "sentences"> {
  if (shorten === 0) return {};
  const all = sentencesOf(text).filter((sentence) => !isBlank(preCaption(sentence, maxWords)));
  return all.length < 2 ? {} : { sentences: all };
}

/** @throws {InputError} `train-data/empty-text` */
function falseCaptions(
  { falseCaptions: all = [] }: Pick<ExampleOf<"retrieval">, "falseCaptions">,
  place: PlaceName,
  texts: Texts,
): Pick<Item, "falseCaptions"> {
  if (!texts.falseCaptions || all.length === 0) return {};
  return { falseCaptions: all.map((text) => caption(text, place, texts)) };
}

/** @throws {InputError} `train-data/patches` */
function patchNumbers(
  labels: readonly (string | number | null)[],
  { names, count }: PatchLabels,
  place: PlaceName,
): readonly number[] {
  if (labels.length !== count) throw badPatches(place, `${count} labels, one per patch`, labels.length);
  return labels.map((label) => {
    if (label === null) return -1;
    const number = typeof label === "number" ? label : names.indexOf(label);
    if (number < 0 || number >= names.length)
      throw badPatches(place, `one of the recipe's ${names.length} names, or its number`, label);
    return number;
  });
}

type Makers = {
  readonly [T in TrainingTask]: (
    example: ExampleOf<ReaderTask<T>>,
    place: PlaceName,
    texts: Texts,
  ) => readonly (() => Item)[];
};

const makers: Makers = {
  match: (example, place: PlaceName, texts) =>
    example.captions.map((text) => () => ({
      images: [example.image],
      text: caption(text, place, texts),
      ...sentences(text, texts),
      ...falseCaptions(example, place, texts),
      imageKey: imageKeyOf(example),
      place,
    })),
  caption({ image, captions }, place: PlaceName, texts) {
    if (captions.length === 0) throw noCaptions(place);
    return captions.map((text) => () => ({
      images: [image],
      text: texts.prompt + caption(text, place, texts),
      ...sentences(text, texts),
      place,
    }));
  },
  vqa: ({ image, question, answers }, place: PlaceName, texts) => [
    () => {
      const clean = preQuestion(question, texts.maxWords);
      if (isBlank(clean)) throw nothingLeft(place, question);
      const told = answers.filter(({ answer }) => !isBlank(answer));
      if (told.length === 0) throw noAnswers(place);
      return {
        images: [image],
        text: clean,
        answers: told.map(({ answer }) => answer),
        weights: told.map(({ weight }) => weight),
        place,
      };
    },
  ],
  nlvr: ({ images, sentence, label }, place: PlaceName, texts) => [
    () => {
      if (label === undefined) throw noLabel(place);
      return { images, text: caption(sentence, place, texts), label: label ? 1 : 0, place };
    },
  ],
  pretrain: ({ image, caption: text, patches, ...example }, place: PlaceName, texts) => [
    () => ({
      images: [image],
      text: caption(text, place, texts),
      ...sentences(text, texts),
      ...falseCaptions(example, place, texts),
      ...(patches && texts.patches && { patches: patchNumbers(patches, texts.patches, place) }),
      place,
    }),
  ],
};

function outcome(make: () => Item): ItemOutcome {
  try {
    return make();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** The samples of an example. An error in one sample does not affect the others. */
export function itemsOf<T extends TrainingTask>(
  task: T,
  example: ExampleOf<ReaderTask<T>>,
  texts: Texts,
): readonly ItemOutcome[] {
  const place = placeName(example.place);
  try {
    return makers[task](example, place, texts).map(outcome);
  } catch (error) {
    if (error instanceof InputError) return [error];
    throw error;
  }
}

/** Exchanges "left" and "right", as NLVR2's augmentation does when it swaps the two images. */
export const mirrored = (sentence: string): string =>
  sentence
    .split(" ")
    .map((word) => (word === "left" ? "right" : word === "right" ? "left" : word))
    .join(" ");
