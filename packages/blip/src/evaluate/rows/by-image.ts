// Merges the rows of an image into one: BLIP captions each image once, and scores the caption against all references
// (train_caption.py, `remove_duplicate`). A data set may have a row per reference.
import type { ExampleOf } from "@blip-ts/datasets";
import type { EvaluationHost } from "../host.ts";
import { imageKey, type Numbered, type Survey } from "../survey.ts";

type Caption = ExampleOf<"caption">;

/** The key of a row's image: its id in the data, or else the image itself. */
const keyOf = (host: EvaluationHost, { imageId, image }: Caption): string =>
  imageId === undefined ? imageKey(host, image) : `id ${typeof imageId} ${imageId}`;

/** The first row of each image, with the captions of its later rows. Memory holds keys and those captions. */
export class RowsByImage {
  readonly #host: EvaluationHost;
  readonly #firsts = new Map<string, number>();
  /** The numbers of the later rows. */
  readonly #later = new Set<number>();
  /** The captions of the later rows, by the number of the first row. */
  readonly #captions = new Map<number, string[]>();

  constructor(host: EvaluationHost) {
    this.#host = host;
  }

  /** Takes each row of the data, in order. */
  see({ n, example }: Numbered<Caption>): void {
    const key = keyOf(this.#host, example);
    const first = this.#firsts.get(key);
    if (first === undefined) {
      this.#firsts.set(key, n);
      return;
    }
    this.#later.add(n);
    const captions = this.#captions.get(first);
    if (captions) captions.push(...example.captions);
    else this.#captions.set(first, [...example.captions]);
  }

  /** The rows of a survey whose rows were all seen. An image keeps the number of its first row. */
  merged(surveyed: Survey<"caption">): Survey<"caption"> {
    return { ...surveyed, rows: this.#firsts.size, again: () => this.#rows(surveyed) };
  }

  async *#rows(surveyed: Survey<"caption">): AsyncGenerator<Numbered<Caption>> {
    for await (const { n, example } of surveyed.again()) {
      if (this.#later.has(n)) continue;
      const captions = this.#captions.get(n) ?? [];
      yield { n, example: { ...example, captions: [...example.captions, ...captions] } };
    }
  }
}
