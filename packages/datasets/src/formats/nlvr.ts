// NLVR2: two images and a sentence. BLIP's lists (data/nlvr_dataset.py), the official lines, tables.
import { badField, described } from "../errors.ts";
import type { ImageSource, NlvrExample } from "../examples.ts";
import type { Row } from "../row.ts";
import { columnOf, needColumn } from "./columns.ts";
import { hasAll, hasAny, type RecordFormat } from "./format.ts";

type Pair = readonly [ImageSource, ImageSource];

/** Pairs of columns, left image first. */
const pairColumns: readonly (readonly [string, string])[] = [
  ["image_0", "image_1"],
  ["image0", "image1"],
  ["left_image", "right_image"],
  ["img0", "img1"],
  ["image1", "image2"],
  ["image_1", "image_2"],
];

function pairList(row: Row, field: string): Pair {
  const value = row.get(field);
  if (!Array.isArray(value) || value.length !== 2) throw row.wrong(field, "a list of two images");
  const [first, second] = value.map((item: unknown, index) => row.imageOf(`${field}[${index}]`, item));
  if (first === undefined || second === undefined) throw row.wrong(field, "a list of two images");
  return [first, second];
}

/** The two images of a row. @throws {InputError} `dataset/bad-field` if they are missing or invalid */
export function imagePair(row: Row): Pair {
  if (row.has("images")) return pairList(row, "images");
  const columns = pairColumns.find(([left, right]) => row.has(left) && row.has(right));
  if (columns === undefined)
    throw row.wrong("images", 'a list of two images, or columns "image_0" and "image_1"');
  return [row.image(columns[0]), row.image(columns[1])];
}

export const hasPair = (record: Readonly<Record<string, unknown>>): boolean =>
  hasAny(record, ["images"]) || pairColumns.some((pair) => hasAll(record, pair));

function labelOf(row: Row, field: string | undefined): { label?: boolean } {
  return field === undefined || !row.has(field) ? {} : { label: row.truth(field) };
}

/** `images/train/39/train-10171-0-img0.png` -> `train-10171-0`, which is the same for both sentences about a pair. */
function stemOf(image: ImageSource): string | undefined {
  if (image.kind !== "path") return undefined;
  return /([^/\\]+)-img[01]\.[^.]+$/.exec(image.path)?.[1];
}

function blipRow(row: Row): NlvrExample {
  const images = pairList(row, "images");
  const identifier = row.optionalId("identifier") ?? stemOf(images[0]) ?? row.place.at;
  return {
    place: row.place,
    images,
    sentence: row.text("sentence"),
    identifier: String(identifier),
    ...labelOf(row, "label"),
  };
}

/**
 * Derives the image paths from the identifier. `train-10171-0-0` of directory 39 has
 * `images/train/39/train-10171-0-img0.png`; `dev-850-0-0` has `dev/dev-850-0-img0.png`. BLIP's lists use the same
 * folders.
 */
function officialRow(row: Row): NlvrExample {
  const identifier = row.text("identifier");
  const [, stem, split] = /^(([a-z]+\d*)-\d+-\d+)-\d+$/.exec(identifier) ?? [];
  if (stem === undefined || split === undefined)
    throw badField(row.place, "identifier", 'split-set-pair-sentence ("dev-850-0-1")', described(identifier));
  const folder = split === "train" ? `images/train/${directoryOf(row)}` : split;
  const root = row.context.root(undefined);
  const side = (index: 0 | 1): ImageSource => ({
    kind: "path",
    root,
    path: `${folder}/${stem}-img${index}.png`,
  });
  return {
    place: row.place,
    images: [side(0), side(1)],
    sentence: row.text("sentence"),
    identifier,
    ...labelOf(row, "label"),
  };
}

function directoryOf(row: Row): number {
  const directory = row.number("directory");
  if (!Number.isSafeInteger(directory) || directory < 0) throw row.wrong("directory", "a whole number");
  return directory;
}

function tableRow(row: Row): NlvrExample {
  const images = imagePair(row);
  const id = row.first(["identifier", "uid", "id", "__key__"]);
  return {
    place: row.place,
    images,
    sentence: row.text(needColumn(row, "sentence")),
    identifier: String(id === undefined ? row.place.at : row.id(id)),
    ...labelOf(row, columnOf(row, "label")),
  };
}

export const nlvrFormats: readonly RecordFormat<"nlvr">[] = [
  {
    name: "blip-nlvr",
    what: 'BLIP\'s list: {"images": [left, right], "sentence", "label": "True" or "False"}',
    fits: (record) => hasAll(record, ["images", "sentence"]),
    read: (row) => [blipRow(row)],
  },
  {
    name: "nlvr2",
    what: 'NLVR2\'s lines: {"identifier", "sentence", "label", "directory" for train}',
    fits: (record) => hasAll(record, ["identifier", "sentence"]) && !hasPair(record),
    read: (row) => [officialRow(row)],
  },
  {
    name: "table",
    what: "a table with two images (images, or image_0 and image_1, ...), a sentence and a label",
    fits: (record) => hasPair(record) && hasAny(record, ["sentence", "statement", "text", "caption"]),
    read: (row) => [tableRow(row)],
  },
];
