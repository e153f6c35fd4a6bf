// Splits a JSON stream into its top-level rows: the elements of a list, the entries of an object, and the elements of
// each list directly in it. The splitter looks only at brackets and strings; `JSON.parse` checks each row. So one
// invalid row does not end the file, and at most one row is in memory.
import { InputError, missed } from "@blip-ts/base";
import { badDocument, tooDeep, tooLong, truncated } from "../errors.ts";
import { wholeFile, type Place } from "../place.ts";
import { decodeText } from "./decode-text.ts";
import { joined } from "./streams.ts";

export type JsonPiece =
  /** The start of a list under a key of the document. */
  | { readonly kind: "section"; readonly section: string }
  /** An element of the document, or of the section. */
  | {
      readonly kind: "element";
      readonly section: string | undefined;
      readonly place: Place;
      readonly text: string;
    }
  /** A value under a key, if it is not a list. */
  | { readonly kind: "entry"; readonly key: string; readonly place: Place; readonly text: string }
  | { readonly kind: "error"; readonly place: Place; readonly error: InputError };

type State = "start" | "value" | "value-or-end" | "after-value" | "key" | "key-or-end" | "colon" | "done";

const code = (char: string) => char.charCodeAt(0);
const quote = code('"');
const backslash = code("\\");
const comma = code(",");
const colon = code(":");
const [openList, closeList, openObject, closeObject] = [code("["), code("]"), code("{"), code("}")];
const isBlank = (byte: number) => byte === 32 || byte === 10 || byte === 13 || byte === 9;
const isOpening = (byte: number) => byte === openList || byte === openObject;
const isClosing = (byte: number) => byte === closeList || byte === closeObject;

export interface SplitLimits {
  readonly rowBytes: number;
  readonly depth: number;
}

export class JsonSplitter {
  readonly #name: string;
  readonly #limits: SplitLimits;
  #state: State = "start";
  #top: "list" | "object" = "list";
  #section: string | undefined;
  #inSection = false;
  #key = "";
  #index = 0;
  /** The bytes before the current chunk. */
  #offset = 0;

  // The value being read.
  #capturing: "key" | "value" | undefined;
  #parts: Uint8Array[] = [];
  #length = 0;
  #depth = 0;
  #deepest = 0;
  #inString = false;
  #escaped = false;

  constructor(name: string, limits: SplitLimits) {
    this.#name = name;
    this.#limits = limits;
  }

  /**
   * Adds a chunk.
   * @param pieces receives the rows that end in the chunk, including those before an error
   * @throws {InputError} `dataset/bad-json` if the text between rows is invalid
   */
  push(chunk: Uint8Array, pieces: JsonPiece[]): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#capturing !== undefined) {
        at = this.#scan(chunk, at, pieces);
        continue;
      }
      const byte = chunk[at] ?? missed("byte");
      if (isBlank(byte)) at++;
      else at = this.#between(byte, at, pieces);
    }
    this.#offset += chunk.length;
  }

  /** @throws {InputError} `dataset/truncated` */
  end(): void {
    if (this.#state === "done") return;
    const expected = this.#state === "start" ? "a JSON list or object" : "a JSON document to its end";
    throw truncated(this.#capturing === undefined ? wholeFile(this.#name) : this.#place(), expected);
  }

  /** Handles a byte between values. Returns the index of the next byte. */
  #between(byte: number, at: number, pieces: JsonPiece[]): number {
    switch (this.#state) {
      case "start":
        if (!isOpening(byte)) return this.#refuse("a JSON list or object", byte, at);
        this.#top = byte === openList ? "list" : "object";
        this.#state = byte === openList ? "value-or-end" : "key-or-end";
        return at + 1;
      case "key":
      case "key-or-end":
        if (byte === closeObject && this.#state === "key-or-end") return this.#close(at);
        if (byte !== quote) return this.#refuse("a key in quotes", byte, at);
        return this.#capture("key", at);
      case "colon":
        if (byte !== colon) return this.#refuse('":"', byte, at);
        this.#state = "value";
        return at + 1;
      case "value":
      case "value-or-end":
        return this.#value(byte, at, pieces);
      case "after-value":
        if (byte === comma) {
          this.#state = this.#inObject() ? "key" : "value";
          return at + 1;
        }
        if (byte !== (this.#inObject() ? closeObject : closeList))
          return this.#refuse('"," or the closing bracket', byte, at);
        return this.#close(at);
      case "done":
        return this.#refuse("nothing after the document", byte, at);
    }
  }

  #value(byte: number, at: number, pieces: JsonPiece[]): number {
    if (byte === closeList && this.#state === "value-or-end") return this.#close(at);
    if (isClosing(byte) || byte === comma || byte === colon) return this.#refuse("a value", byte, at);
    if (byte === openList && this.#inObject()) {
      this.#section = this.#key;
      this.#inSection = true;
      this.#index = 0;
      this.#state = "value-or-end";
      pieces.push({ kind: "section", section: this.#key });
      return at + 1;
    }
    return this.#capture("value", at);
  }

  #inObject(): boolean {
    return this.#top === "object" && !this.#inSection;
  }

  #close(at: number): number {
    if (this.#inSection) {
      this.#inSection = false;
      this.#section = undefined;
      this.#state = "after-value";
    } else this.#state = "done";
    return at + 1;
  }

  #capture(what: "key" | "value", at: number): number {
    this.#capturing = what;
    this.#parts = [];
    this.#length = 0;
    this.#depth = 0;
    this.#deepest = 0;
    this.#inString = false;
    this.#escaped = false;
    return at;
  }

  /** Continues the value being read. Returns the index of the next byte. */
  #scan(chunk: Uint8Array, start: number, pieces: JsonPiece[]): number {
    const end = this.#endOfValue(chunk, start);
    this.#keep(chunk.subarray(start, end.at));
    if (end.complete) this.#finish(pieces);
    return end.at;
  }

  #endOfValue(chunk: Uint8Array, start: number): { at: number; complete: boolean } {
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at] ?? missed("byte");
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) {
          this.#inString = false;
          if (this.#depth === 0) return { at: at + 1, complete: true };
        }
        continue;
      }
      if (byte === quote) this.#inString = true;
      else if (isOpening(byte)) this.#deepest = Math.max(this.#deepest, ++this.#depth);
      else if (isClosing(byte)) {
        // A number or word ends before a bracket that does not belong to it.
        if (this.#depth === 0) return { at, complete: true };
        if (--this.#depth === 0) return { at: at + 1, complete: true };
      } else if (this.#depth === 0 && (byte === comma || isBlank(byte))) return { at, complete: true };
    }
    return { at: chunk.length, complete: false };
  }

  /** Stores a part of the value. A row that is already too long is no longer stored. */
  #keep(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length <= this.#limits.rowBytes) this.#parts.push(part);
    else this.#parts = [];
  }

  #finish(pieces: JsonPiece[]): void {
    const place: Place = this.#place();
    const what = this.#capturing;
    this.#capturing = undefined;
    if (what === "key") {
      this.#key = this.#keyText(place);
      this.#state = "colon";
      return;
    }
    this.#state = "after-value";
    try {
      const text = this.#text(place);
      if (this.#inObject()) pieces.push({ kind: "entry", key: this.#key, place, text });
      else pieces.push({ kind: "element", section: this.#section, place, text });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      pieces.push({ kind: "error", place, error });
    }
    this.#index++;
  }

  #text(place: Place): string {
    if (this.#length > this.#limits.rowBytes) throw tooLong(place, "a row", this.#limits.rowBytes);
    if (this.#deepest > this.#limits.depth) throw tooDeep(place, this.#limits.depth);
    return decodeText(place, joined(this.#parts));
  }

  #keyText(place: Place): string {
    const text = this.#text(place);
    try {
      return String(JSON.parse(text));
    } catch {
      throw badDocument(place, "a key in quotes", "a key with a wrong escape");
    }
  }

  #place(): Place {
    if (this.#section !== undefined)
      return { file: this.#name, unit: "entry", at: `${this.#section}[${this.#index}]` };
    if (this.#top === "object") return { file: this.#name, unit: "entry", at: this.#key };
    return { file: this.#name, unit: "index", at: this.#index };
  }

  #refuse(expected: string, byte: number, at: number): never {
    const char = byte > 32 && byte < 127 ? `"${String.fromCharCode(byte)}"` : `the byte ${byte}`;
    const place = this.#state === "start" || this.#state === "done" ? wholeFile(this.#name) : this.#place();
    throw badDocument(place, expected, `${char} at byte ${this.#offset + at}`);
  }
}
