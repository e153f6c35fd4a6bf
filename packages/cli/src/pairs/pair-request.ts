// A row of `--pairs`, as a verb's input and as output.
import { must, type InputError } from "@blip-ts/base";
import type { PlaceName } from "@blip-ts/datasets/node";
import type { RowError } from "blip-ts";

/** The form of a verb's rows. */
export interface PairForm {
  readonly images: 1 | 2;
  readonly text: {
    /** The verb's name for the text. */
    readonly name: "text" | "prompt" | "question" | "statement";
    /** The columns that may hold the text. The first column that a row has is used. */
    readonly columns: readonly string[];
    readonly needed: boolean;
  };
  /** The names of the verb's results. A row's own fields with these names are printed within `row`. */
  readonly results: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** The parts of a row that are printed besides its answer. */
export interface Pair {
  /** `pairs.csv, line 3` */
  readonly place: PlaceName;
  /** The images as the row gives them. */
  readonly images: readonly string[];
  readonly text: string | undefined;
  /** Fields before the answer: images and text. */
  readonly head: Fields;
  /** Fields after the answer: the row's own. */
  readonly rest: Fields;
}

/** A request's input to the verb. */
export interface Asked {
  /** Paths and URLs to open. */
  readonly images: readonly string[];
  readonly text: string | undefined;
}

/**
 * A row as the input of every verb. If the row could not be read, its getters throw the error, which the verb then
 * reports for the row, in its place. Only `pair` is an own property, so the verb copies nothing else.
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

/** A row with the verb's answer, or with its error. */
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

  /** The row's JSON form. */
  toJSON(): Fields {
    const { head, rest } = this.pair;
    return { ...head, ...(this.error ? { error: this.error } : this.answer), ...rest };
  }
}

/**
 * A row's own fields, for after the answer. Fields with names that the verb uses go into `row`, so that nothing is
 * overwritten.
 */
export function ownFields(fields: Fields, { images, text, results }: PairForm): Fields {
  const taken = new Set([...results, images === 1 ? "image" : "images", text.name, "error", "row"]);
  const entries = Object.entries(fields);
  const hidden = entries.filter(([name]) => taken.has(name));
  const open = entries.filter(([name]) => !taken.has(name));
  const own: [string, unknown][] = hidden.length > 0 ? [["row", Object.fromEntries(hidden)]] : [];
  return Object.fromEntries<unknown>([...open, ...own]);
}
