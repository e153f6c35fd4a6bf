// Data sets by their paths.
import { badOption } from "../errors.ts";
import type { Task } from "../examples.ts";
import { defaultLimits } from "../limits.ts";
import type { DatasetOptions } from "../options.ts";
import { chained, readData, type Dataset } from "../read-dataset.ts";
import { csvRecords } from "./csv-records.ts";
import { listFolder, openFile, openPath } from "./open-path.ts";

export interface PathOptions extends DatasetOptions {
  /** VQA v2, OK-VQA: the file of annotations that belongs to the questions. None unless told. */
  readonly annotations?: string;
}

/**
 * The data set of a task in a file or folder. Which form it is in is found from its content and said in the result;
 * `format` names it. Several paths are read one behind the other, each in its own form, as BLIP's `train_files` are.
 * @throws {InputError} `dataset/not-found`, `dataset/unreadable`, `dataset/unknown-format`, `dataset/ambiguous-format`,
 * `dataset/wrong-format`, `dataset/encoding`, `dataset/truncated`, `dataset/damaged`, `dataset/too-large`; while
 * examples are read also `dataset/bad-field`, `dataset/bad-row`, `dataset/bad-json`, `dataset/outside-root`,
 * `dataset/too-deep`, each naming file, row and field
 * @throws {UsageError} `dataset/bad-option`
 */
export async function readDataset<T extends Task>(
  task: T,
  path: string | readonly string[],
  options: PathOptions = {},
): Promise<Dataset<T>> {
  const paths = typeof path === "string" ? [path] : path;
  if (paths.length === 0) throw badOption("path", "a path, or several", "none");
  const { annotations, ...rest } = options;
  if (annotations !== undefined && paths.length > 1)
    throw badOption("annotations", "the questions' file alone", `${paths.length} paths`);
  const second = annotations === undefined ? {} : { annotations: await openFile(annotations) };
  const parts: Dataset<T>[] = [];
  for (const name of paths) {
    const input = await openPath(name, { ...defaultLimits, ...options.limits });
    parts.push(await readData(task, input, rest, { csv: csvRecords, listFolder, ...second }));
  }
  return joined(parts);
}

function joined<T extends Task>(parts: readonly Dataset<T>[]): Dataset<T> {
  const [first, ...others] = parts;
  if (first === undefined) throw badOption("path", "a path, or several", "none");
  if (others.length === 0) return first;
  return {
    ...first,
    name: parts.map(({ name }) => name).join(", "),
    description: parts.map(({ name, description }) => `${name}: ${description}`).join("; "),
    examples: { [Symbol.asyncIterator]: () => chained(parts) },
    parts: parts.flatMap((part) => part.parts),
  };
}
