// The official files of VQA v2 and OK-VQA: questions in one, annotations in the other, joined by `question_id`. The
// released files have the same order, so both are streamed and almost nothing is kept in memory.
import { badField, badRow, described, keysOf } from "../errors.ts";
import type { ExampleId, ImageSource, VqaExample } from "../examples.ts";
import { wholeFile } from "../place.ts";
import type { Row, RowContext } from "../row.ts";
import { checkJoined, inputError, sectionRows, type SectionRow } from "./document-rows.ts";
import {
  hasAll,
  type DocumentContext,
  type DocumentFormat,
  type JsonDocument,
  type Outcome,
} from "./format.ts";
import { answersOf, weighted } from "./vqa.ts";

interface Annotation {
  readonly humanAnswers: readonly string[];
  readonly answerType: string | undefined;
  readonly questionType: string | undefined;
}

/** Annotations by question, read only as far as questions need them. */
class AnnotationJoin {
  readonly #document: JsonDocument;
  readonly #context: RowContext;
  readonly #rows: AsyncGenerator<SectionRow>;
  readonly #waiting = new Map<ExampleId, Annotation | Error>();
  #ended = false;
  #seen: readonly string[] = [];

  constructor(document: JsonDocument, context: RowContext) {
    this.#document = document;
    this.#context = context;
    this.#rows = sectionRows(document, ["annotations"], context);
  }

  /** The annotation of a question. @throws {InputError} if it is missing or invalid */
  async take(question: Row, id: ExampleId): Promise<Annotation> {
    while (!this.#waiting.has(id) && !this.#ended) await this.#readOne();
    const found = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (found instanceof Error) throw found;
    if (found !== undefined) return found;
    const detail = this.#seen.length === 0 ? 'no rows in its "annotations"' : "no row with that question_id";
    throw badField(
      question.place,
      "question_id",
      `an annotation of question ${id} in ${this.#document.name}`,
      detail,
      "Give the two files of one split.",
    );
  }

  async #readOne(): Promise<void> {
    const next = await this.#rows.next();
    if (next.done === true) {
      this.#ended = true;
      return;
    }
    const entry = next.value;
    // The row's question is unknown, so the error ends the reading.
    if ("error" in entry) throw entry.error;
    const { row } = entry;
    if (this.#seen.length === 0) this.#seen = Object.keys(row.record);
    const id = row.id("question_id");
    if (this.#waiting.has(id))
      throw badField(
        row.place,
        "question_id",
        "a question of its own",
        `${described(id)} for the second time`,
      );
    this.#waiting.set(id, annotationOf(row));
    checkJoined(this.#document, this.#waiting.size, this.#context);
  }

  /** Closes the file. Returns the number of unused annotations. */
  async rest(): Promise<number> {
    await this.#rows.return(undefined);
    return this.#waiting.size;
  }
}

function annotationOf(row: Row): Annotation | Error {
  try {
    return {
      humanAnswers: answersOf(row, "answers"),
      answerType: row.optionalText("answer_type"),
      questionType: row.optionalText("question_type"),
    };
  } catch (error) {
    return inputError(error);
  }
}

/** `val2014` and 262148 -> `val2014/COCO_val2014_000000262148.jpg`; likewise for `test2015` and others. */
function cocoImage(row: Row, subtype: string | undefined): ImageSource {
  const id = row.id("image_id");
  if (typeof id !== "number" || id < 0) throw row.wrong("image_id", "COCO's number of the image");
  if (subtype === undefined)
    throw badRow(
      row.place,
      'the key "data_subtype" ("train2014", "val2014", "test2015"), which names the images\' folder',
      "none",
      "Add it to the file.",
    );
  const path = `${subtype}/COCO_${subtype}_${String(id).padStart(12, "0")}.jpg`;
  return { kind: "path", root: row.context.root(undefined), path };
}

/** VQA's `data_subtype`. It may come before or after the questions, so it is searched first. */
async function subtypeOf(document: JsonDocument): Promise<string | undefined> {
  for await (const piece of document.pieces()) {
    if (piece.kind !== "entry" || piece.key !== "data_subtype") continue;
    // The questions of test-dev refer to the images of test.
    const [, part, year] = /^"([a-z]+)(?:-dev|-std)?(\d{4})"$/.exec(piece.text) ?? [];
    if (part === undefined || year === undefined)
      throw badField(
        piece.place,
        "data_subtype",
        '"train2014", "val2014" or "test2015"',
        piece.text.slice(0, 40),
      );
    return `${part}${year}`;
  }
  return undefined;
}

function example(
  row: Row,
  image: ImageSource,
  id: ExampleId,
  annotation: Annotation | undefined,
): VqaExample {
  const humanAnswers = annotation?.humanAnswers ?? [];
  return {
    place: row.place,
    image,
    question: row.text("question"),
    questionId: id,
    answers: weighted(humanAnswers),
    humanAnswers,
    ...(annotation?.answerType === undefined ? {} : { answerType: annotation.answerType }),
    ...(annotation?.questionType === undefined ? {} : { questionType: annotation.questionType }),
  };
}

async function* read(document: JsonDocument, context: DocumentContext): AsyncGenerator<Outcome<VqaExample>> {
  const subtype = await subtypeOf(document);
  const { annotations, row: rows } = context;
  const join = annotations === undefined ? undefined : new AnnotationJoin(annotations, rows);
  const ids = new Set<ExampleId>();
  try {
    for await (const entry of sectionRows(document, ["questions"], rows)) {
      try {
        if ("error" in entry) throw entry.error;
        const { row } = entry;
        const id = row.id("question_id");
        if (ids.has(id))
          throw badField(
            row.place,
            "question_id",
            "an id of its own",
            `${described(id)} for the second time`,
          );
        ids.add(id);
        checkJoined(document, ids.size, rows);
        const image = row.has("image") ? row.image("image") : cocoImage(row, subtype);
        yield { example: example(row, image, id, await join?.take(row, id)) };
      } catch (error) {
        yield { error: inputError(error) };
      }
    }
    if (ids.size === 0)
      throw badRow(wholeFile(document.name), 'rows in "questions"', "none", "Give the questions' file.");
  } finally {
    await join?.rest();
  }
}

export const vqaOfficial: DocumentFormat<"vqa"> = {
  name: "vqa",
  what: 'VQA v2 or OK-VQA: {"questions": [{"question_id", "image_id", "question"}]}, with the option "annotations"',
  fits: ({ records }) => {
    const question = records.get("questions");
    return question !== undefined && hasAll(question, ["question_id", "question"]);
  },
  read,
};

/** Whether a file is the annotations file, given as the questions file by mistake. */
export const isAnnotationFile = (
  keys: readonly string[],
  first: Readonly<Record<string, unknown>> | undefined,
) => keys.includes("annotations") && first !== undefined && hasAll(first, ["question_id", "answers"]);

export const annotationAdvice = (keys: readonly string[]) =>
  `VQA's annotations (${keysOf(keys)}): give the questions' file, and this one as the option "annotations"`;
