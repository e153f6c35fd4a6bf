// Finds the columns of tables by common names. The caller may name other columns.
import type { ColumnRole, Row } from "../row.ts";
import { badRow, keysOf } from "../errors.ts";
import type { CaptionExample, ExampleId, ImageSource } from "../examples.ts";
import type { JsonRecord } from "../bytes/json-pieces.ts";

/** The columns whose value names the image. The other columns of ids may name the row, such as a caption. */
const imageIdColumns = ["image_id", "imgid", "img_id", "cocoid"];

/**
 * The names in order of preference: bytes before paths, paths before URLs; `caption` before `captions`, because the
 * other forms read `caption`.
 */
export const columnNames: Readonly<Record<ColumnRole, readonly string[]>> = {
  image: [
    "image",
    "jpg",
    "jpeg",
    "png",
    "webp",
    "file_name",
    "image_path",
    "filepath",
    "filename",
    "img",
    "path",
    "url",
    "URL",
    "image_url",
  ],
  captions: [
    "caption",
    "captions",
    "text",
    "texts",
    "sentences_raw",
    "sentences",
    "sentence",
    "TEXT",
    "alt_text",
  ],
  id: [...imageIdColumns, "id", "key", "__key__"],
  question: ["question"],
  questionId: ["question_id", "questionId", "id", "__key__"],
  answers: ["answers", "answer", "direct_answers", "multiple_choice_answer"],
  answerType: ["answer_type"],
  questionType: ["question_type"],
  sentence: ["sentence", "statement", "text", "caption"],
  label: ["label", "match", "answer"],
  video: ["clip_name", "video_id", "video"],
};

const namesOf = (role: ColumnRole, row: Row): readonly string[] => {
  const chosen = row.context.columns[role];
  return chosen === undefined ? columnNames[role] : [chosen];
};

/** The row's column for this role. */
export const columnOf = (row: Row, role: ColumnRole): string | undefined => row.first(namesOf(role, row));

/** @throws {InputError} `dataset/bad-row` */
export function needColumn(row: Row, role: ColumnRole): string {
  const found = columnOf(row, role);
  if (found !== undefined) return found;
  const names = namesOf(role, row);
  throw badRow(
    row.place,
    `a value in one of the columns ${keysOf(names, 16)} (${role})`,
    keysOf(Object.keys(row.record).filter((name) => row.has(name))),
    `Add it, or name the column with "columns".`,
  );
}

export const hasRole = (record: JsonRecord, role: ColumnRole): boolean =>
  columnNames[role].some((name) => Object.hasOwn(record, name));

/** The image's id in the data, in `columns.id` or a column that names images. @throws {InputError} `dataset/bad-field` */
export function imageIdOf(row: Row): { readonly imageId?: ExampleId } {
  const { id } = row.context.columns;
  const column = row.first(id === undefined ? imageIdColumns : [id]);
  return column === undefined ? {} : { imageId: row.id(column) };
}

/** The row's field `domain`, if it has one. @throws {InputError} `dataset/bad-field` */
export const domainOf = (row: Row): Pick<CaptionExample, "domain"> =>
  row.has("domain") ? { domain: row.text("domain") } : {};

/** The row's id, or its image's path, or its place. */
export function idOf(row: Row, image: ImageSource | undefined): ExampleId {
  const column = columnOf(row, "id");
  if (column !== undefined) return row.id(column);
  if (image?.kind === "path") return image.path;
  if (image?.kind === "url") return image.url;
  return row.place.at;
}
