// Forms with matches of images and texts: Winoground, ARO (VG-Relation, VG-Attribution, COCO-Order), SugarCrepe, tables
// of pairs and triples. Sources: for ARO, dataset_zoo/aro_datasets.py of vision-language-models-are-bows; for
// SugarCrepe, data/*.json of sugar-crepe.
import { InputError } from "@blip-ts/base";
import { parseRecord } from "../bytes/json-pieces.ts";
import { badField } from "../errors.ts";
import type { MatchExample } from "../examples.ts";
import { Row } from "../row.ts";
import { columnOf, hasRole, idOf, needColumn } from "./columns.ts";
import { hasAll, hasAny, type DocumentFormat, type RecordFormat } from "./format.ts";

/** The image of a field. The Hub's `ex_0_img_0` is the file `images/ex_0_img_0.png` beside the lines. */
function winogroundImage(row: Row, field: string) {
  const value = row.get(field);
  if (typeof value !== "string" || /\.[a-z0-9]+$/i.test(value)) return row.image(field);
  return row.imageOf(field, `images/${value}.png`);
}

function winogroundRow(row: Row): MatchExample {
  const group = row.first(["collapsed_tag", "tag"]);
  return {
    place: row.place,
    images: [winogroundImage(row, "image_0"), winogroundImage(row, "image_1")],
    texts: [row.text("caption_0"), row.text("caption_1")],
    matches: [
      [true, false],
      [false, true],
    ],
    id: row.optionalId("id") ?? row.place.at,
    ...(group === undefined ? {} : { group: row.text(group) }),
  };
}

/** One image with a true text and false texts. */
function triple(row: Row, imageField: string, trueText: string, falseTexts: readonly string[]): MatchExample {
  const crop = row.crop();
  const image = row.image(imageField);
  return {
    place: row.place,
    images: [image],
    texts: [trueText, ...falseTexts],
    matches: [[true, ...falseTexts.map(() => false)]],
    id: row.place.at,
    ...(crop === undefined ? {} : { crop }),
  };
}

function aroRow(row: Row): MatchExample {
  const example = triple(row, "image_path", row.text("true_caption"), [row.text("false_caption")]);
  if (row.has("relation_name")) return { ...example, group: row.text("relation_name") };
  return row.has("attributes") ? { ...example, group: row.texts("attributes").join("_") } : example;
}

function orderRow(row: Row): MatchExample {
  const [first, ...others] = row.texts("caption_options");
  if (first === undefined || others.length === 0)
    throw row.wrong("caption_options", "a list of at least two texts, the true one first");
  return triple(row, row.has("image") ? "image" : "image_path", first, others);
}

const sugarcrepeRow = (row: Row): MatchExample =>
  triple(row, row.has("filename") ? "filename" : needColumn(row, "image"), row.text("caption"), [
    row.text("negative_caption"),
  ]);

function pairRow(row: Row): MatchExample {
  const image = row.image(needColumn(row, "image"));
  const label = columnOf(row, "label");
  if (label === undefined) throw row.wrong("label", "true or false: whether the text fits the image");
  return {
    place: row.place,
    images: [image],
    texts: [row.text(needColumn(row, "captions"))],
    matches: [[row.truth(label)]],
    id: idOf(row, image),
  };
}

export const matchFormats: readonly RecordFormat<"match">[] = [
  {
    name: "winoground",
    what: 'Winoground: {"image_0", "image_1", "caption_0", "caption_1", "tag"}',
    fits: (record) => hasAll(record, ["image_0", "image_1", "caption_0", "caption_1"]),
    read: (row) => [winogroundRow(row)],
  },
  {
    name: "aro",
    what: 'ARO\'s VG-Relation and VG-Attribution: {"image_path", "true_caption", "false_caption", "bbox_x", ...}',
    fits: (record) => hasAll(record, ["image_path", "true_caption", "false_caption"]),
    read: (row) => [aroRow(row)],
  },
  {
    name: "aro-order",
    what: 'ARO\'s COCO-Order and Flickr30k-Order, written out: {"image", "caption_options": [true, false, ...]}',
    fits: (record) => hasAll(record, ["caption_options"]) && hasAny(record, ["image", "image_path"]),
    read: (row) => [orderRow(row)],
  },
  {
    name: "sugarcrepe",
    what: 'SugarCrepe: {"filename", "caption", "negative_caption"}',
    fits: (record) => hasAll(record, ["caption", "negative_caption"]) && hasRole(record, "image"),
    read: (row) => [sugarcrepeRow(row)],
  },
  {
    name: "table",
    what: "a table of pairs with an image, a text and a label (1 if they fit)",
    fits: (record) =>
      hasRole(record, "image") && hasRole(record, "captions") && hasAny(record, ["label", "match"]),
    read: (row) => [pairRow(row)],
  },
];

/** SugarCrepe's files are objects: `{"0": {...}, "1": {...}}`. */
export const sugarcrepeDocument: DocumentFormat<"match"> = {
  name: "sugarcrepe",
  what: 'SugarCrepe: {"0": {"filename", "caption", "negative_caption"}, ...}',
  fits: ({ records }) => {
    const [first] = records.values();
    return first !== undefined && hasAll(first, ["filename", "caption", "negative_caption"]);
  },
  async *read(document, context) {
    for await (const piece of document.pieces()) {
      try {
        if (piece.kind === "error") throw piece.error;
        if (piece.kind !== "entry")
          throw badField(
            { file: document.name, unit: "file", at: 0 },
            piece.section ?? "",
            "an object",
            "a list",
          );
        const row = new Row(piece.place, parseRecord(piece.place, piece.text), context.row);
        yield { example: sugarcrepeRow(row) };
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        yield { error };
      }
    }
  },
};
