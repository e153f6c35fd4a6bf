// Collates samples into a batch. Pixel values are copied as they arrive; texts are combined at the end.
import type { CommonFields, TrainingBatch, TrainingPosition, TrainingTask } from "./batch.ts";
import { preCaption } from "../../text/pre-caption.ts";
import { mirrored } from "./items.ts";
import { Random, streams } from "./random.ts";
import type { Entry } from "./sample-source.ts";
import { someOf } from "./sentences.ts";

type Collate = {
  readonly [T in TrainingTask]: (
    entries: readonly Entry[],
    texts: readonly string[],
    extra: { readonly prompt: string; readonly falseCaptions: readonly (string | undefined)[] },
  ) => Omit<TrainingBatch<T>, keyof CommonFields>;
};

const flat = <V>(lists: readonly (readonly V[] | undefined)[]): V[] => lists.flatMap((list) => list ?? []);

const falseOnes = (falseCaptions: readonly (string | undefined)[]) =>
  falseCaptions.some((text) => text !== undefined) && { falseCaptions };

const collate: Collate = {
  match: (entries, captions, { falseCaptions }) => ({
    task: "match",
    captions,
    ...falseOnes(falseCaptions),
    imageIds: entries.map(({ imageId }) => imageId),
  }),
  caption: (_, captions, { prompt }) => ({ task: "caption", captions, prompt }),
  vqa: (entries, questions) => ({
    task: "vqa",
    questions,
    answers: flat(entries.map(({ item }) => item.answers)),
    weights: flat(entries.map(({ item }) => item.weights)),
    answerCounts: entries.map(({ item }) => item.answers?.length ?? 0),
  }),
  nlvr: (entries, sentences) => ({
    task: "nlvr",
    sentences,
    labels: entries.map(({ item }) => item.label ?? 0),
  }),
  pretrain: (entries, captions, { falseCaptions }) => ({
    task: "pretrain",
    captions,
    ...falseOnes(falseCaptions),
    ...(entries.some(({ item }) => item.patches) && { patches: entries.map(({ item }) => item.patches) }),
  }),
};

export interface Shape {
  readonly task: TrainingTask;
  readonly batchSize: number;
  readonly imageSize: number;
  readonly seed: number;
  readonly epoch: number;
  readonly prompt: string;
  readonly maxWords: number;
  /** The share of multi-sentence captions that lose some sentences. */
  readonly shorten: number;
  /** NLVR2: whether the two images are swapped at random. */
  readonly swap: boolean;
}

/** A batch under construction. */
export class GrowingBatch {
  readonly #shape: Shape;
  readonly #image: number;
  readonly #perSample: number;
  #pixels: Float32Array<ArrayBuffer> | undefined;
  readonly #entries: Entry[] = [];
  readonly #texts: string[] = [];

  constructor(shape: Shape) {
    this.#shape = shape;
    this.#image = 3 * shape.imageSize * shape.imageSize;
    this.#perSample = shape.task === "nlvr" ? 2 : 1;
  }

  get size(): number {
    return this.#entries.length;
  }

  get isFull(): boolean {
    return this.size === this.#shape.batchSize;
  }

  /** @param values [n, 3, S, S] of the sample's images */
  add(entry: Entry, values: Float32Array): void {
    const { batchSize } = this.#shape;
    this.#pixels ??= new Float32Array(batchSize * this.#perSample * this.#image);
    const swapped = this.#swapped(entry);
    const row = this.size;
    for (let image = 0; image < this.#perSample; image++) {
      const from = (swapped ? this.#perSample - 1 - image : image) * this.#image;
      const part = values.subarray(from, from + this.#image);
      this.#pixels.set(part, (image * batchSize + row) * this.#image);
    }
    this.#entries.push(entry);
    this.#texts.push(swapped ? mirrored(entry.item.text) : this.#textOf(entry));
  }

  #textOf({ item: { text, sentences }, number }: Entry): string {
    const { task, shorten, seed, epoch, prompt, maxWords } = this.#shape;
    if (!sentences) return text;
    const random = new Random({ seed, epoch, index: number, stream: streams.text });
    if (random.unit() >= shorten) return text;
    return (task === "caption" ? prompt : "") + preCaption(someOf(sentences, random), maxWords);
  }

  /** A random false caption of the row, drawn again in each epoch. */
  #falseCaptionOf({ item: { falseCaptions }, number }: Entry): string | undefined {
    if (!falseCaptions) return undefined;
    const { seed, epoch } = this.#shape;
    const random = new Random({ seed, epoch, index: number, stream: streams.falseCaption });
    return falseCaptions[random.below(falseCaptions.length)];
  }

  #swapped({ number }: Entry): boolean {
    const { swap, seed, epoch } = this.#shape;
    return swap && new Random({ seed, epoch, index: number, stream: streams.pair }).unit() >= 0.5;
  }

  /** @param batch the number of the batch in the epoch */
  finish(batch: number, position: TrainingPosition): TrainingBatch {
    const { task, imageSize, epoch, prompt } = this.#shape;
    const common: CommonFields = {
      size: this.size,
      pixels: this.#values(),
      imageSize,
      epoch,
      batch,
      samples: this.#entries.map(({ number }) => number),
      position,
    };
    const falseCaptions = this.#entries.map((entry) => this.#falseCaptionOf(entry));
    return { ...common, ...collate[task](this.#entries, this.#texts, { prompt, falseCaptions }) };
  }

  /** The pixel values of the batch's images, without the unused rows of a batch that is not full. */
  #values(): Float32Array<ArrayBuffer> {
    const all = this.#pixels ?? new Float32Array(0);
    if (this.isFull) return all;
    const [block, rows] = [this.#shape.batchSize * this.#image, this.size * this.#image];
    const values = new Float32Array(rows * this.#perSample);
    for (let image = 0; image < this.#perSample; image++)
      values.set(all.subarray(image * block, image * block + rows), image * rows);
    return values;
  }
}
