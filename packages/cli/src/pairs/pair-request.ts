// A row of `--pairs` as a verb takes it, and as it is printed.
import { must, type InputError } from "@blip-ts/base";
import type { PlaceName } from "@blip-ts/datasets/node";
import type { RowError } from "blip-ts";

/** How the rows of a verb look. */
export interface PairForm {
  readonly images: 1 | 2;
  readonly text: {
    /** What the verb calls it. */
    readonly name: "text" | "prompt" | "question" | "statement";
    /** The columns that hold it: the first that a row has. */
    readonly columns: readonly string[];
    readonly needed: boolean;
  };
  /** Names of the verb's results. A row's own fields of these names are printed within `row`. */
  readonly results: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What is printed of a row beside its answer. */
export interface Pair {
  /** `pairs.csv, line 3` */
  readonly place: PlaceName;
  /** As the row gives them. */
  readonly images: readonly string[];
  readonly text: string | undefined;
  /** Fields before the answer: images and text. */
  readonly head: Fields;
  /** Fields behind it: the row's own. */
  readonly rest: Fields;
}

/** What a verb is asked. */
export interface Asked {
  /** Paths and URLs to open. */
  readonly images: readonly string[];
  readonly text: string | undefined;
}

/**
 * What every verb takes as a row. Of a row that could not be read, all that a verb may ask throws what is wrong, which
 * the verb then gives as the row's error, in its place. All of it is the class's own: the verb copies `pair` alone.
 */
export class PairRequest {
  readonly pair: Pair;
  readonly #asked: Asked | InputError;

  constructor(pair: Pair, asked: Asked | InputError) {
    this.pair = pair;
    this.#asked = asked;
  }

  get image(): string {
    return must(this.#right.images, 0, "images");
  }

  get images(): readonly [string, string] {
    const { images } = this.#right;
    return [must(images, 0, "images"), must(images, 1, "images")];
  }

  get prompt(): string | undefined {
    return this.#right.text;
  }

  get text(): string {
    const { text } = this.#right;
    if (text === undefined) throw new Error(`${this.pair.place}: a row without its text was asked about`);
    return text;
  }

  get question(): string {
    return this.text;
  }

  get statement(): string {
    return this.text;
  }

  get #right(): Asked {
    if (this.#asked instanceof Error) throw this.#asked;
    return this.#asked;
  }
}

/** A row with the verb's answer, or with what is wrong with it. */
export class PairRow<Answer extends object> {
  readonly pair: Pair;
  readonly answer: Answer | undefined;
  readonly error: RowError | undefined;

  constructor(pair: Pair, outcome: Answer | { readonly error: RowError }) {
    this.pair = pair;
    if ("error" in outcome) {
      const { code, message } = outcome.error;
      const { place } = pair;
      this.error = { code, message: message.startsWith(place) ? message : `${place}: ${message}` };
    } else this.answer = outcome;
  }

  /** As programs see it. */
  toJSON(): Fields {
    const { head, rest } = this.pair;
    return { ...head, ...(this.error ? { error: this.error } : this.answer), ...rest };
  }
}

/** A row's own fields behind the answer; those whose names the verb uses stand in `row`, so that nothing is replaced. */
export function ownFields(fields: Fields, { images, text, results }: PairForm): Fields {
  const taken = new Set([...results, images === 1 ? "image" : "images", text.name, "error", "row"]);
  const entries = Object.entries(fields);
  const hidden = entries.filter(([name]) => taken.has(name));
  const open = entries.filter(([name]) => !taken.has(name));
  const own: [string, unknown][] = hidden.length > 0 ? [["row", Object.fromEntries(hidden)]] : [];
  return Object.fromEntries<unknown>([...open, ...own]);
}
