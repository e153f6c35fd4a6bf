// A record of a file with its place. Typed accessors throw errors that name the field.
import { atLeast } from "@blip-ts/base";
import { badField, described, tooLarge } from "./errors.ts";
import type { Crop, ExampleId, ImageSource } from "./examples.ts";
import { isRecord, type JsonRecord } from "./bytes/json-pieces.ts";
import type { DatasetLimits } from "./limits.ts";
import { imageAt, type PathRules } from "./paths.ts";
import type { Place } from "./place.ts";

/** The columns that the caller names, by role: `{ image: "photo", captions: "alt" }`. */
export type ColumnNames = Readonly<Partial<Record<ColumnRole, string>>>;

export type ColumnRole =
  | "image"
  | "captions"
  | "id"
  | "question"
  | "questionId"
  | "answers"
  | "answerType"
  | "questionType"
  | "sentence"
  | "label"
  | "video";

export interface RowContext {
  readonly limits: DatasetLimits;
  readonly columns: ColumnNames;
  readonly allowOutside: boolean;
  /** The images' folder. BLIP's question lists have one per `dataset`. */
  root(dataset: string | undefined): string;
  listFolder?(root: string, path: string): Promise<readonly string[] | undefined>;
}

export class Row {
  readonly place: Place;
  readonly record: JsonRecord;
  readonly context: RowContext;

  constructor(place: Place, record: JsonRecord, context: RowContext) {
    this.place = place;
    this.record = record;
    this.context = context;
  }

  /** The field's value; undefined if the field is absent or null. */
  get(name: string): unknown {
    return Object.hasOwn(this.record, name) ? (this.record[name] ?? undefined) : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The first of the names that the row has. */
  first(names: readonly string[]): string | undefined {
    return names.find((name) => this.has(name));
  }

  /** @throws {InputError} `dataset/bad-field` */
  wrong(field: string, expected: string, remedy?: string): Error {
    return badField(this.place, field, expected, described(this.get(field)), remedy);
  }

  /** A text that is not blank. @throws {InputError} `dataset/bad-field` */
  text(field: string): string {
    const value = this.get(field);
    if (typeof value !== "string" || value.trim() === "") throw this.wrong(field, "a text");
    return value;
  }

  optionalText(field: string): string | undefined {
    return this.has(field) ? this.text(field) : undefined;
  }

  /** A text or a list of at least one text, none blank. @throws {InputError} `dataset/bad-field` */
  texts(field: string): readonly string[] {
    const value = this.get(field);
    if (!Array.isArray(value)) return [this.text(field)];
    if (value.length === 0) throw this.wrong(field, "a text or a list of texts");
    return value.map((text: unknown, index) => {
      if (typeof text === "string" && text.trim() !== "") return text;
      throw badField(this.place, `${field}[${index}]`, "a text", described(text));
    });
  }

  /** A text, or an integer that JSON and JavaScript represent exactly. @throws {InputError} `dataset/bad-field` */
  id(field: string): ExampleId {
    const value = this.get(field);
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    if (typeof value === "bigint") {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value.toString();
    }
    throw this.wrong(field, "an integer below 2^53 or a text");
  }

  optionalId(field: string): ExampleId | undefined {
    return this.has(field) ? this.id(field) : undefined;
  }

  /** @throws {InputError} `dataset/bad-field` */
  number(field: string): number {
    const value = this.get(field);
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isFinite(number)) throw this.wrong(field, "a number");
    return number;
  }

  /** true, false, 1, 0, or one of these as text in any case. @throws {InputError} `dataset/bad-field` */
  truth(field: string): boolean {
    const value = this.get(field);
    const text = typeof value === "string" ? value.trim().toLowerCase() : value;
    if (text === true || text === 1 || text === 1n || text === "true" || text === "1") return true;
    if (text === false || text === 0 || text === 0n || text === "false" || text === "0") return false;
    throw this.wrong(field, 'true or false ("True", "False", 1, 0)');
  }

  /**
   * An image: a path, a URL, bytes, or a struct of path and bytes as in the Hub's tables. @throws {InputError} the
   * errors of `imageOf`
   */
  image(field: string, dataset?: string): ImageSource {
    return this.imageOf(field, this.get(field), dataset);
  }

  /** @throws {InputError} `dataset/bad-field`, `dataset/outside-root`, `dataset/too-large` */
  imageOf(field: string, value: unknown, dataset?: string): ImageSource {
    const rules: PathRules = {
      root: this.context.root(dataset),
      allowOutside: this.context.allowOutside,
    };
    if (typeof value === "string") return imageAt(this.place, field, value, rules);
    if (value instanceof Uint8Array) return this.#bytesImage(field, value, undefined);
    if (isRecord(value)) {
      const { bytes, path } = value;
      if (bytes instanceof Uint8Array)
        return this.#bytesImage(field, bytes, typeof path === "string" ? path : undefined);
      if (typeof path === "string") return imageAt(this.place, field, path, rules);
    }
    throw badField(this.place, field, "the path, URL or bytes of an image", described(value ?? undefined));
  }

  #bytesImage(field: string, bytes: Uint8Array, path: string | undefined): ImageSource {
    if (bytes.length === 0) throw badField(this.place, field, "the bytes of an image", "no bytes");
    const limit = this.context.limits.imageBytes;
    if (bytes.length > limit)
      throw tooLarge(this.place, `the bytes of "${field}"`, bytes.length, limit, "imageBytes");
    // A view would keep its whole row group or page in memory.
    const own = bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
    return { kind: "bytes", name: path ?? `${field} of ${this.place.unit} ${this.place.at}`, bytes: own };
  }

  /**
   * The box in `bbox_x`, `bbox_y`, `bbox_w`, `bbox_h`; undefined if the row has none of them. @throws {InputError}
   * `dataset/bad-field`
   */
  crop(): Crop | undefined {
    const names = ["bbox_x", "bbox_y", "bbox_w", "bbox_h"] as const;
    if (!names.some((name) => this.has(name))) return undefined;
    const [x, y, width, height] = atLeast(
      names.map((name) => {
        const value = this.number(name);
        if (value < 0) throw this.wrong(name, "a number of at least 0");
        return value;
      }),
      4,
    );
    return { x, y, width, height };
  }
}
