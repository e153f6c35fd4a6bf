// COCO's caption annotations (captions_val2014.json); NoCaps in the same form (nocaps_val_4500_captions.json; the test
// file has only images); ground truths without images (coco_karpathy_val_gt.json); and Karpathy's own split files
// (dataset_coco.json, dataset_flickr30k.json).
import type { InputError } from "@blip-ts/base";
import { badField, badOption, badRow, described, keysOf } from "../errors.ts";
import type { CaptionExample, ExampleId, ReferenceExample, RetrievalExample } from "../examples.ts";
import { isRecord } from "../bytes/json-pieces.ts";
import { wholeFile, type Place } from "../place.ts";
import { Row, type RowContext } from "../row.ts";
import { domainOf } from "./columns.ts";
import { checkDocument, checkJoined, inputError, sectionRows } from "./document-rows.ts";
import {
  hasAll,
  type DocumentContext,
  type DocumentFormat,
  type DocumentStart,
  type JsonDocument,
  type Outcome,
} from "./format.ts";

interface Group {
  readonly place: Place;
  /** The row in `images`; undefined if the file has only captions. */
  readonly image: Row | undefined;
  readonly captions: string[];
}

interface Grouped {
  readonly groups: ReadonlyMap<ExampleId, Group>;
  readonly errors: readonly InputError[];
  /** Whether the document has a section `annotations`. */
  readonly captioned: boolean;
}

/** Groups captions by image, in the order of `images`, or of the first captions if there are no images. */
async function groupCaptions(document: JsonDocument, context: RowContext): Promise<Grouped> {
  checkDocument(document, context);
  const images = new Map<ExampleId, Row>();
  const captions = new Map<ExampleId, { place: Place; texts: string[] }>();
  const errors: InputError[] = [];
  let rows = 0;
  let captioned = false;
  for await (const entry of sectionRows(document, ["images", "annotations"], context)) {
    captioned ||= entry.section === "annotations";
    checkJoined(document, ++rows, context);
    try {
      if ("error" in entry) throw entry.error;
      if (entry.section === "images") addImage(images, entry.row);
      else addCaption(captions, entry.row);
    } catch (error) {
      errors.push(inputError(error));
    }
  }
  return { groups: join(images, captions, errors), errors, captioned };
}

function addImage(images: Map<ExampleId, Row>, row: Row): void {
  const id = row.id("id");
  const other = images.get(id);
  if (other !== undefined)
    throw badField(row.place, "id", "an id of its own", `${described(id)}, as in ${other.place.at}`);
  images.set(id, row);
}

function addCaption(captions: Map<ExampleId, { place: Place; texts: string[] }>, row: Row): void {
  const id = row.id("image_id");
  const text = row.text("caption");
  const group = captions.get(id);
  if (group === undefined) captions.set(id, { place: row.place, texts: [text] });
  else group.texts.push(text);
}

function join(
  images: ReadonlyMap<ExampleId, Row>,
  captions: ReadonlyMap<ExampleId, { place: Place; texts: string[] }>,
  errors: InputError[],
): Map<ExampleId, Group> {
  const groups = new Map<ExampleId, Group>();
  for (const [id, image] of images)
    groups.set(id, { place: image.place, image, captions: captions.get(id)?.texts ?? [] });
  for (const [id, { place, texts }] of captions) {
    if (groups.has(id)) continue;
    if (images.size === 0) groups.set(id, { place, image: undefined, captions: texts });
    else errors.push(badField(place, "image_id", 'the id of a row in "images"', described(id)));
  }
  return groups;
}

/** The image of a row: its file name, which NoCaps and newer COCO files have, or its URL. */
function imageOf(row: Row) {
  return row.image(row.first(["file_name", "coco_url", "flickr_url"]) ?? "file_name");
}

function captionExample(id: ExampleId, group: Group): CaptionExample {
  const { image, place, captions } = group;
  if (image === undefined)
    throw badRow(
      place,
      'an image in "images"',
      "only captions",
      'Read the file as "references", or add the list of images.',
    );
  return {
    place,
    image: imageOf(image),
    imageId: id,
    submissionId: id,
    captions,
    ...domainOf(image),
  };
}

function retrievalExample(id: ExampleId, group: Group): RetrievalExample {
  const { place, image, captions } = captionExample(id, group);
  if (captions.length === 0) throw badRow(place, "at least one caption of the image", "none in the file");
  return { place, image, imageId: id, captions };
}

function referenceExample(imageId: ExampleId, { place, captions }: Group): ReferenceExample {
  if (captions.length === 0) throw badRow(place, "at least one caption of the image", "none in the file");
  return { place, imageId, captions };
}

async function* examples<E>(
  document: JsonDocument,
  context: RowContext,
  make: (id: ExampleId, group: Group) => E,
): AsyncGenerator<Outcome<E>> {
  const { groups, errors } = await groupCaptions(document, context);
  for (const error of errors) yield { error };
  for (const [id, group] of groups) {
    try {
      yield { example: make(id, group) };
    } catch (error) {
      yield { error: inputError(error) };
    }
  }
}

const firstOf = (start: DocumentStart, section: string, fields: readonly string[]): boolean => {
  const record = start.records.get(section);
  return record !== undefined && hasAll(record, fields);
};

const fitsCoco = (start: DocumentStart): boolean =>
  (firstOf(start, "images", ["id"]) && !firstOf(start, "images", ["sentences"])) ||
  firstOf(start, "annotations", ["image_id", "caption"]);

const coco = {
  name: "coco",
  what: 'COCO\'s annotations: {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}; NoCaps too',
  fits: fitsCoco,
} as const;

export const cocoCaptions: DocumentFormat<"caption"> = {
  ...coco,
  read: (document, { row }) => examples(document, row, captionExample),
};

export const cocoRetrieval: DocumentFormat<"retrieval"> = {
  ...coco,
  read: (document, { row }) => examples(document, row, retrievalExample),
};

export const cocoReferences: DocumentFormat<"references"> = {
  ...coco,
  read: (document, { row }) => examples(document, row, referenceExample),
};

/** A row of Karpathy's own file: `{filename, filepath?, cocoid?, imgid, split, sentences: [{raw}]}`. */
function splitRow(row: Row): RetrievalExample & { readonly imageId: ExampleId } {
  const folder = row.optionalText("filepath");
  const file = row.text("filename");
  const captions = row.get("sentences");
  if (!Array.isArray(captions) || captions.length === 0)
    throw row.wrong("sentences", 'a list of {"raw": text}');
  return {
    place: row.place,
    image: row.imageOf("filename", folder === undefined ? file : `${folder}/${file}`),
    imageId: row.id(row.first(["cocoid", "imgid"]) ?? "imgid"),
    captions: captions.map((item: unknown, index) => {
      const raw = isRecord(item) ? item.raw : undefined;
      if (typeof raw === "string" && raw.trim() !== "") return raw;
      throw badField(row.place, `sentences[${index}].raw`, "a text", described(raw));
    }),
  };
}

function splitCaptionRow(row: Row): CaptionExample {
  const example = splitRow(row);
  return { ...example, submissionId: example.imageId };
}

async function* splitExamples<E>(
  document: JsonDocument,
  { row: context, split }: DocumentContext,
  make: (row: Row) => E,
): AsyncGenerator<Outcome<E>> {
  if (split === undefined)
    throw badOption("split", 'the part to read ("train", "restval", "val" or "test")', "nothing");
  const seen = new Set<string>();
  let count = 0;
  for await (const entry of sectionRows(document, ["images"], context)) {
    try {
      if ("error" in entry) throw entry.error;
      const own = entry.row.text("split");
      if (seen.size < 16) seen.add(own);
      if (own !== split) continue;
      count++;
      yield { example: make(entry.row) };
    } catch (error) {
      yield { error: inputError(error) };
    }
  }
  if (count === 0)
    throw badRow(
      wholeFile(document.name),
      `rows of the split "${split}"`,
      keysOf([...seen]),
      "Name one of these splits.",
    );
}

const karpathySplit = {
  name: "karpathy-split",
  what: 'Karpathy\'s own file: {"images": [{"filename", "sentences": [{"raw"}], "split"}]}, with the option "split"',
  hasSplits: true,
  fits: (start: DocumentStart) => firstOf(start, "images", ["filename", "sentences"]),
} as const;

export const karpathySplitRetrieval: DocumentFormat<"retrieval"> = {
  ...karpathySplit,
  read: (document, context) => splitExamples(document, context, splitRow),
};

export const karpathySplitCaptions: DocumentFormat<"caption"> = {
  ...karpathySplit,
  read: (document, context) => splitExamples(document, context, splitCaptionRow),
};
