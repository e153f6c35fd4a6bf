// Questions about images: BLIP's lists (data/vqa_dataset.py), A-OKVQA (aokvqa_v1p0_*.json), tables.
import { badField, described } from "../errors.ts";
import type { ExampleId, ImageSource, VqaExample, WeightedAnswer } from "../examples.ts";
import { isRecord } from "../bytes/json-pieces.ts";
import type { Row } from "../row.ts";
import { columnOf, hasRole, idOf, needColumn } from "./columns.ts";
import { hasAll, hasAny, type RecordFormat } from "./format.ts";

/** The weight of Visual Genome's single answer. */
const vgWeight = 0.2;

/** The distinct answers, each with the share of people who gave it. */
export function weighted(answers: readonly string[]): WeightedAnswer[] {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return Array.from(counts, ([answer, count]) => ({ answer, weight: count / answers.length }));
}

/**
 * A text, a list of texts, or VQA's list of `{"answer"}`. A person's answer may be an empty text. @throws {InputError}
 * `dataset/bad-field`
 */
export function answersOf(row: Row, field: string): readonly string[] {
  const value = row.get(field);
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) throw row.wrong(field, 'a text, a list of texts or a list of {"answer"}');
  return value.map((item: unknown, index) => {
    const answer = isRecord(item) ? item.answer : item;
    if (typeof answer === "string") return answer;
    throw badField(row.place, `${field}[${index}]`, 'a text or {"answer": text}', described(item));
  });
}

/** The optional fields. */
function extras(row: Row): Pick<VqaExample, "answerType" | "questionType"> {
  const answerColumn = columnOf(row, "answerType");
  const questionColumn = columnOf(row, "questionType");
  return {
    ...(answerColumn === undefined ? {} : { answerType: row.text(answerColumn) }),
    ...(questionColumn === undefined ? {} : { questionType: row.text(questionColumn) }),
  };
}

function blipRow(row: Row): VqaExample {
  const dataset = row.optionalText("dataset");
  const image = row.image("image", dataset);
  const humanAnswers = row.has("answer") ? answersOf(row, "answer") : [];
  const single = dataset === "vg";
  if (single && typeof row.get("answer") !== "string")
    throw row.wrong("answer", 'a text (the dataset is "vg")');
  return {
    place: row.place,
    image,
    question: row.text("question"),
    questionId: row.optionalId("question_id") ?? row.place.at,
    answers: single ? humanAnswers.map((answer) => ({ answer, weight: vgWeight })) : weighted(humanAnswers),
    humanAnswers,
    ...(dataset === undefined ? {} : { dataset }),
  };
}

/** The image of an A-OKVQA row. Its images are from COCO 2017: `val2017/000000461751.jpg`. */
function aokvqaImage(row: Row): ImageSource {
  const column = row.first(["image", "image_path"]);
  if (column !== undefined) return row.image(column);
  const id = row.id("image_id");
  const number = typeof id === "number" ? id : Number.NaN;
  if (!Number.isSafeInteger(number) || number < 0) throw row.wrong("image_id", "COCO's number of the image");
  const split = row.text("split");
  if (!/^[a-z]+$/.test(split)) throw row.wrong("split", '"train", "val" or "test"');
  const path = `${split}2017/${String(number).padStart(12, "0")}.jpg`;
  return { kind: "path", root: row.context.root(undefined), path };
}

function aokvqaRow(row: Row): VqaExample {
  const humanAnswers = row.has("direct_answers") ? answersOf(row, "direct_answers") : [];
  const choices = row.has("choices") ? row.texts("choices") : undefined;
  return {
    place: row.place,
    image: aokvqaImage(row),
    question: row.text("question"),
    questionId: row.id("question_id"),
    answers: weighted(humanAnswers),
    humanAnswers,
    ...(choices === undefined ? {} : { choices }),
    ...(choices === undefined || !row.has("correct_choice_idx")
      ? {}
      : { correctChoice: choiceIndex(row, choices.length) }),
  };
}

function choiceIndex(row: Row, choices: number): number {
  const index = row.number("correct_choice_idx");
  if (!Number.isInteger(index) || index < 0 || index >= choices)
    throw row.wrong("correct_choice_idx", `an index below ${choices}, the number of choices`);
  return index;
}

function questionIdOf(row: Row, image: ImageSource): ExampleId {
  const column = columnOf(row, "questionId");
  return column === undefined ? `${idOf(row, image)}#${row.place.at}` : row.id(column);
}

function tableRow(row: Row): VqaExample {
  const image = row.image(needColumn(row, "image"));
  const column = columnOf(row, "answers");
  const humanAnswers = column === undefined ? [] : answersOf(row, column);
  return {
    place: row.place,
    image,
    question: row.text(needColumn(row, "question")),
    questionId: questionIdOf(row, image),
    answers: weighted(humanAnswers),
    humanAnswers,
    ...extras(row),
  };
}

const isAokvqa = (record: Readonly<Record<string, unknown>>) =>
  hasAll(record, ["question", "question_id"]) && hasAny(record, ["direct_answers", "choices"]);

export const vqaFormats: readonly RecordFormat<"vqa">[] = [
  {
    name: "blip-vqa",
    what: 'BLIP\'s list: {"image", "question", "answer": text or texts, "dataset": "vqa" or "vg", "question_id"}',
    fits: (record) => hasAll(record, ["image", "question", "dataset"]) && !isAokvqa(record),
    read: (row) => [blipRow(row)],
  },
  {
    name: "aokvqa",
    what: 'A-OKVQA: {"split", "image_id", "question_id", "question", "choices", "direct_answers"}',
    fits: isAokvqa,
    read: (row) => [aokvqaRow(row)],
  },
  {
    name: "table",
    what: "a table with an image, a question and answers",
    fits: (record) => hasRole(record, "image") && hasRole(record, "question"),
    read: (row) => [tableRow(row)],
  },
];
