// Tasks that evaluate each row of the data separately: captions, questions, statements, matches.
import { BlipError, type Closable } from "@blip-ts/base";
import type { ExampleOf, ImageSource, Task } from "@blip-ts/datasets";
import { isNotFinite } from "@blip-ts/engine";
import type { LoadedNetwork } from "../../load/load-model.ts";
import type { EvaluationHost } from "../host.ts";
import type { EvaluateOptions, EvaluationTask, StepClock } from "../options.ts";
import type { Results } from "../report.ts";
import { failedRow, type LoggedRow, type RowLog } from "../row-log.ts";
import { imageKey, type Numbered, type Survey } from "../survey.ts";

/** The model's results for a row, as stored in the file of rows. */
export type Fields = Readonly<Record<string, unknown>>;

/** A task's loaded model. */
export interface RowModel<T extends Task> extends Closable {
  readonly loaded: LoadedNetwork;
  /** The values that affect the rows, besides the loading options. */
  readonly decides: Fields;
  imagesOf(example: ExampleOf<T>): readonly ImageSource[];
  /**
   * Computes the model's results for rows. A row that fails gets an error.
   * @throws {BlipError} if a text cannot be read, which fails all rows of the call
   */
  fieldsOf(examples: readonly ExampleOf<T>[]): Promise<readonly (Fields | BlipError)[]>;
}

/** A row with the model's results. */
export interface Evaluated<T extends Task> {
  readonly example: ExampleOf<T>;
  readonly fields: Fields;
}

/** Merges rows that are evaluated as one. */
export interface RowMerge<T extends Task> {
  /** Takes each row of the data, in order. */
  see(row: Numbered<ExampleOf<T>>): void;
  /** The merged rows, once all rows were seen. */
  merged(surveyed: Survey<T>): Survey<T>;
}

export interface RowTask<T extends Task> {
  /** The data set task that the reader uses. */
  readonly data: T;
  /** If the task evaluates several rows as one: how they are merged. */
  merge?(host: EvaluationHost): RowMerge<T>;
  load(source: string, host: EvaluationHost, options: EvaluateOptions): Promise<RowModel<T>>;
  results(
    rows: AsyncIterable<Evaluated<T>>,
    options: EvaluateOptions,
    task: EvaluationTask,
  ): Promise<Results>;
  /** Returns the row of the submission file for the data set's server. */
  submitted?(row: Evaluated<T>): object;
}

/** The maximum numbers of rows and of image bytes that wait to be grouped by image. */
const [windowRows, windowBytes] = [256, 1 << 26];
/** The maximum number of rows per call. */
const mostRows = 128;

type Keyed<Example> = Numbered<Example> & { readonly keys: readonly string[] };

/** Groups rows into batches of a few images. Nearby rows of the same image are in the same batch. */
export async function* imageBatches<Example>(
  rows: AsyncIterable<Numbered<Example>>,
  imagesAtOnce: number,
  imagesOf: (example: Example) => readonly ImageSource[],
  keyOf: (source: ImageSource) => string,
): AsyncGenerator<Numbered<Example>[]> {
  let waiting: Keyed<Example>[] = [];
  let bytes = 0;
  for await (const row of rows) {
    const images = imagesOf(row.example);
    waiting.push({ ...row, keys: images.map(keyOf) });
    bytes += images.reduce((sum, image) => sum + (image.kind === "bytes" ? image.bytes.length : 0), 0);
    if (waiting.length < windowRows && bytes < windowBytes) continue;
    yield* packed(waiting, imagesAtOnce);
    [waiting, bytes] = [[], 0];
  }
  yield* packed(waiting, imagesAtOnce);
}

function* packed<Example>(
  rows: readonly Keyed<Example>[],
  imagesAtOnce: number,
): Generator<Keyed<Example>[]> {
  const byImages = new Map<string, Keyed<Example>[]>();
  for (const row of rows) {
    const key = row.keys.join("\n");
    const own = byImages.get(key);
    if (own) own.push(row);
    else byImages.set(key, [row]);
  }
  let batch: Keyed<Example>[] = [];
  let keys = new Set<string>();
  for (const row of [...byImages.values()].flat()) {
    const all = new Set([...keys, ...row.keys]);
    if (batch.length > 0 && (all.size > imagesAtOnce || batch.length >= mostRows)) {
      yield batch;
      [batch, keys] = [[], new Set(row.keys)];
    } else keys = all;
    batch.push(row);
  }
  if (batch.length > 0) yield batch;
}

/** Computes the results of rows. If the call fails, retries each row separately, so that only its own row fails. */
async function fieldsEach<T extends Task>(
  model: RowModel<T>,
  examples: readonly ExampleOf<T>[],
): Promise<readonly (Fields | BlipError)[]> {
  try {
    return await model.fieldsOf(examples);
  } catch (error) {
    const ofOne = error instanceof BlipError && (/^(?:text|image)\//.test(error.code) || isNotFinite(error));
    if (!ofOne) throw error;
    if (examples.length === 1) return [error];
    const found: (Fields | BlipError)[] = [];
    for (const example of examples) found.push(...(await fieldsEach(model, [example])));
    return found;
  }
}

/** The default number of images per batch. */
const defaultImages = 4;

export interface RowRun<T extends Task> {
  readonly model: RowModel<T>;
  readonly surveyed: Survey<T>;
  readonly log: RowLog;
  readonly host: EvaluationHost;
  readonly clock: StepClock;
  readonly options: EvaluateOptions;
}

/** The logged rows by number, including failed rows. */
async function doneRows(log: RowLog): Promise<Map<number, LoggedRow>> {
  const done = new Map<number, LoggedRow>();
  for await (const row of log.rows()) done.set(row.n, row);
  return done;
}

async function* without<Example>(
  rows: AsyncIterable<Numbered<Example>>,
  done: ReadonlyMap<number, LoggedRow>,
): AsyncGenerator<Numbered<Example>> {
  for await (const row of rows) {
    const own = done.get(row.n);
    if (own === undefined || own.error !== undefined) yield row;
  }
}

/**
 * Evaluates the remaining rows in batches. Each batch is logged before the next batch begins.
 * @returns all rows with results, and the failed rows
 */
export async function runRows<T extends Task>({ model, surveyed, log, host, clock, options }: RowRun<T>) {
  const known = await doneRows(log);
  let done = [...known.values()].filter(({ error }) => error === undefined).length;
  clock.begin("rows", done, surveyed.rows);
  const left = without(surveyed.again(), known);
  const { imageBatchSize = defaultImages, signal } = options;
  const keyOf = (source: ImageSource) => imageKey(host, source);
  for await (const batch of imageBatches(left, imageBatchSize, (example) => model.imagesOf(example), keyOf)) {
    signal?.throwIfAborted();
    const fields = await fieldsEach(
      model,
      batch.map(({ example }) => example),
    );
    await log.append(
      batch.map(({ n }, index): LoggedRow => {
        const own = fields[index];
        if (own === undefined) throw new Error(`row ${n} got no answer`);
        return own instanceof BlipError ? failedRow("row", n, own) : { kind: "row", n, ...own };
      }),
    );
    clock.done((done += batch.length));
  }
  const rows = await doneRows(log);
  return {
    evaluated: {
      async *[Symbol.asyncIterator](): AsyncGenerator<Evaluated<T>> {
        for await (const { n, example } of surveyed.again()) {
          const fields = rows.get(n);
          if (fields !== undefined && fields.error === undefined) yield { example, fields };
        }
      },
    },
    failed: [...rows.values()].filter(({ error }) => error !== undefined),
  };
}
