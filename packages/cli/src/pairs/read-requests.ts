// Reads a file or standard input as requests: one per text of a row, and one per invalid row.
import { InputError } from "@blip-ts/base";
import type { PairError as WrongRow, PairRow as ReadRow, PlaceName } from "@blip-ts/datasets/node";
import { dirname } from "node:path";
import type { Terminal } from "../terminal.ts";
import { ownFields, PairRequest, type PairForm } from "./pair-request.ts";
import { brokenOff } from "../errors.ts";

type Readers = typeof import("@blip-ts/datasets/node");

/** The maximum number of texts per row. */
const mostTexts = 1000;

export interface OpenedPairs {
  readonly requests: AsyncIterable<PairRequest>;
  /** Closes the file. */
  close(): Promise<void>;
}

async function* bytesOf(stdin: Terminal["stdin"]): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  for await (const part of stdin) yield typeof part === "string" ? encoder.encode(part) : part;
}

/**
 * Opens rows and reads the first one, so that an unusable file is detected before a model is loaded.
 * @param file a path, or `-`
 * @param otherText the text for rows without one, if the verb requires none
 * @throws {InputError} `dataset/...` if no row can be read
 */
export async function openPairs(
  file: string,
  form: PairForm,
  terminal: Pick<Terminal, "stdin" | "signal">,
  otherText?: string,
): Promise<OpenedPairs> {
  // Loaded on demand: only this needs the parsers of CSV and tables.
  const readers = await import("@blip-ts/datasets/node");
  const name = file === "-" ? "standard input" : file;
  const { columns, needed } = form.text;
  const rows = readers.readPairs(file === "-" ? bytesOf(terminal.stdin) : file, {
    name,
    images: { min: form.images, max: form.images },
    texts: { min: needed ? 1 : 0, max: mostTexts },
    textColumns: { firstOf: columns },
    imageRoot: file === "-" ? "" : dirname(file),
    allowOutside: true,
  });
  const first = await rows.next();
  const toRequests = (row: ReadRow | WrongRow) => requestsOf(row, form, readers, otherText);
  return {
    requests: requests(first, rows, { name, toRequests, signal: terminal.signal }),
    close: async () => {
      await rows.return(undefined);
    },
  };
}

interface Reading {
  readonly name: string;
  readonly toRequests: (row: ReadRow | WrongRow) => PairRequest[];
  readonly signal: AbortSignal;
}

/** Yields requests in the rows' order. If reading fails midway, the last request has the error. */
async function* requests(
  first: IteratorResult<ReadRow | WrongRow>,
  rows: AsyncGenerator<ReadRow | WrongRow>,
  { name, toRequests, signal }: Reading,
): AsyncGenerator<PairRequest, void, undefined> {
  for (let next = first; next.done !== true;) {
    yield* toRequests(next.value);
    try {
      next = await rows.next();
    } catch (error) {
      signal.throwIfAborted();
      const failure = error instanceof InputError ? error : brokenOff(name, error);
      yield new PairRequest({ place: name, images: [], text: undefined, head: {}, rest: {} }, failure);
      return;
    }
  }
}

function requestsOf(
  row: ReadRow | WrongRow,
  form: PairForm,
  { imagePath, placeName }: Readers,
  otherText: string | undefined,
): PairRequest[] {
  const place: PlaceName = placeName(row.place);
  if ("error" in row) {
    const { head, rest } = wrongFields(row.fields ?? {}, form);
    const images = [head.image, head.images].flat().filter((image) => typeof image === "string");
    return [new PairRequest({ place, images, text: undefined, head, rest }, row.error)];
  }
  const sources = row.images.map((image) => {
    if (image.kind === "bytes") throw new Error(`${place}: bytes of an image in a text`);
    return image.kind === "url"
      ? { name: image.url, opened: image.url }
      : { name: image.path, opened: image.root === "" ? image.path : imagePath(image) };
  });
  const images = sources.map((source) => source.name);
  const opened = sources.map((source) => source.opened);
  const rest = ownFields(row.fields, form);
  const texts: readonly (string | undefined)[] = row.texts.length > 0 ? row.texts : [otherText];
  return texts.map((text) => {
    const head = {
      ...(form.images === 1 ? { image: images[0] } : { images }),
      ...(text === undefined ? {} : { [form.text.name]: text }),
    };
    return new PairRequest({ place, images, text, head, rest }, { images: opened, text });
  });
}

/** Splits the fields of an invalid row into valid image and text fields, and all other fields. */
function wrongFields(fields: Readonly<Record<string, unknown>>, form: PairForm) {
  const isText = (value: unknown) => typeof value === "string";
  const isHead = ([name, value]: [string, unknown]) =>
    (name === form.text.name && isText(value)) ||
    (form.images === 1 && name === "image" && isText(value)) ||
    (form.images === 2 && name === "images" && Array.isArray(value) && value.every(isText));
  const entries = Object.entries(fields);
  const head: Readonly<Record<string, unknown>> = Object.fromEntries(entries.filter(isHead));
  return { head, rest: ownFields(Object.fromEntries(entries.filter((entry) => !isHead(entry))), form) };
}
