// Forms with one image and its texts: Karpathy's lists, NoCaps in BLIP's format, pre-training lists, tables (BLIP,
// data/coco_karpathy_dataset.py, flickr30k_dataset.py, nocaps_dataset.py, pretrain_dataset.py).
import type { CaptionExample, ExampleId, PretrainExample, RetrievalExample } from "../examples.ts";
import { badField, described } from "../errors.ts";
import type { Row } from "../row.ts";
import { columnOf, domainOf, hasRole, idOf, imageIdOf, needColumn } from "./columns.ts";
import { hasAll, hasAny, type RecordFormat } from "./format.ts";

/** `COCO_val2014_000000391895.jpg` -> 391895: the digits after the last "_", as in BLIP's train_caption.py. */
function cocoImageId(path: string): number | undefined {
  const digits = /_(\d{1,15})\.[^./\\]+$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The id for the COCO server. Karpathy's lists for evaluation have it only in the name of the image. */
function karpathySubmissionId(row: Row, { imageId, image }: RetrievalExample): ExampleId {
  if (imageId !== undefined) return imageId;
  if (image.kind !== "path") return idOf(row, image);
  return cocoImageId(image.path) ?? image.path;
}

/** The field `false_captions`, if there is one. @throws {InputError} `dataset/bad-field` */
function falseCaptionsOf(row: Row): Pick<RetrievalExample, "falseCaptions"> {
  return row.has("false_captions") ? { falseCaptions: row.texts("false_captions") } : {};
}

function karpathyRow(row: Row): RetrievalExample {
  return {
    place: row.place,
    image: row.image("image"),
    ...imageIdOf(row),
    captions: row.texts("caption"),
    ...falseCaptionsOf(row),
  };
}

function karpathyCaptionRow(row: Row): CaptionExample {
  const example = karpathyRow(row);
  return { ...example, submissionId: karpathySubmissionId(row, example), ...domainOf(row) };
}

function tableRow(row: Row): RetrievalExample {
  return {
    place: row.place,
    image: row.image(needColumn(row, "image")),
    ...imageIdOf(row),
    captions: row.texts(needColumn(row, "captions")),
    ...falseCaptionsOf(row),
  };
}

const isKarpathy = (record: Readonly<Record<string, unknown>>) => hasAll(record, ["image", "caption"]);

const karpathyWhat = 'Karpathy\'s split as BLIP has it: {"image", "caption": text or texts, "image_id"}';
const tableWhat =
  "a table with an image (image, file_name, path, url, ...) and texts (caption, captions, text, ...)";

export const retrievalFormats: readonly RecordFormat<"retrieval">[] = [
  { name: "karpathy", what: karpathyWhat, fits: isKarpathy, read: (row) => [karpathyRow(row)] },
  {
    name: "table",
    what: tableWhat,
    fits: (record) => hasRole(record, "image") && hasRole(record, "captions"),
    read: (row) => [tableRow(row)],
  },
];

function nocapsRow(row: Row): CaptionExample {
  const imageId = row.id("img_id");
  return {
    place: row.place,
    image: row.image("image"),
    imageId,
    submissionId: imageId,
    captions: [],
    ...domainOf(row),
  };
}

/** In a caption data set, an image without a caption is valid, because the model writes the caption. */
function captionTableRow(row: Row): CaptionExample {
  const image = row.image(needColumn(row, "image"));
  const captions = columnOf(row, "captions");
  return {
    place: row.place,
    image,
    ...imageIdOf(row),
    submissionId: idOf(row, image),
    captions: captions === undefined ? [] : row.texts(captions),
    ...domainOf(row),
  };
}

export const captionFormats: readonly RecordFormat<"caption">[] = [
  { name: "karpathy", what: karpathyWhat, fits: isKarpathy, read: (row) => [karpathyCaptionRow(row)] },
  {
    name: "nocaps",
    what: 'NoCaps as BLIP has it: {"image", "img_id"}',
    fits: (record) => hasAll(record, ["image", "img_id"]) && !hasAny(record, ["caption", "captions"]),
    read: (row) => [nocapsRow(row)],
  },
  {
    name: "table",
    what: tableWhat,
    fits: (record) => hasRole(record, "image") && hasRole(record, "captions"),
    read: (row) => [captionTableRow(row)],
  },
];

type Patches = Pick<PretrainExample, "patches">;

/** The field `patches`, if there is one. @throws {InputError} `dataset/bad-field` */
function patchesOf(row: Row): Patches {
  const value = row.get("patches");
  if (value === undefined) return {};
  const expected = "a list with a name, a number from 0 or null per patch";
  if (!Array.isArray(value)) throw row.wrong("patches", expected);
  return {
    patches: value.map((label: unknown, index) => {
      if (label === null || typeof label === "string") return label;
      const number = typeof label === "bigint" ? Number(label) : label;
      if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
      throw badField(row.place, `patches[${index}]`, "a name, a number from 0 or null", described(label));
    }),
  };
}

/** A list of texts gives one example per text. */
function pretrainRow(row: Row): readonly PretrainExample[] {
  const image = row.image(row.has("image") ? "image" : "url");
  const beside = { ...falseCaptionsOf(row), ...patchesOf(row) };
  return row.texts("caption").map((caption) => ({ place: row.place, image, caption, ...beside }));
}

export const pretrainFormats: readonly RecordFormat<"pretrain">[] = [
  {
    name: "pretrain",
    what: 'a pre-training list: {"image": path or "url": URL, "caption": text}',
    fits: (record) =>
      hasAll(record, ["caption"]) &&
      hasAny(record, ["image", "url"]) &&
      !hasAny(record, ["jpg", "png", "webp"]),
    read: pretrainRow,
  },
  {
    name: "table",
    what: tableWhat,
    fits: (record) => hasRole(record, "image") && hasRole(record, "captions"),
    read(row) {
      const { image, captions, place, falseCaptions } = tableRow(row);
      const beside = { ...(falseCaptions && { falseCaptions }), ...patchesOf(row) };
      return captions.map((caption) => ({ place, image, caption, ...beside }));
    },
  },
];
