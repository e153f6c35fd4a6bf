// Opens data sets by path.
import { optionNames } from "@blip-ts/base";
import { badOption } from "../errors.ts";
import type { Task } from "../examples.ts";
import { defaultLimits } from "../limits.ts";
import type { DatasetOptions } from "../options.ts";
import { chained, readData, type Dataset } from "../read-dataset.ts";
import { csvRecords } from "./csv-records.ts";
import { listFolder, openFile, openPath } from "./open-path.ts";

export interface PathOptions extends DatasetOptions {
  /** VQA v2, OK-VQA: the annotations file for the questions. Default: none. */
  readonly annotations?: string;
}

export const pathOptionNames = optionNames<PathOptions>()({
  format: true,
  imageRoot: true,
  allowOutside: true,
  split: true,
  columns: true,
  limits: true,
  onRowError: true,
  annotations: true,
});

/**
 * Opens the data set for a task in a file or folder. The form is detected from the content and stated in the result;
 * `format` overrides it. Several paths are read in order, each in its own form, like BLIP's `train_files`.
 * @throws {InputError} `dataset/not-found`, `dataset/unreadable`, `dataset/unknown-format`, `dataset/ambiguous-format`,
 * `dataset/wrong-format`, `dataset/encoding`, `dataset/truncated`, `dataset/damaged`, `dataset/too-large`. Reading
 * examples can also throw `dataset/bad-field`, `dataset/bad-row`, `dataset/bad-json`, `dataset/outside-root`,
 * `dataset/too-deep`, each with file, row and field.
 * @throws {UsageError} `dataset/bad-option`
 */
export async function readDataset<T extends Task>(
  task: T,
  path: string | readonly string[],
  options: PathOptions = {},
): Promise<Dataset<T>> {
  const paths = typeof path === "string" ? [path] : path;
  if (paths.length === 0) throw badOption("path", "a path, or several", "none");
  const { annotations, imageRoot, ...rest } = options;
  if (annotations !== undefined && paths.length > 1)
    throw badOption("annotations", "the questions' file alone", `${paths.length} paths`);
  const second = annotations === undefined ? {} : { annotations: await openFile(annotations) };
  const parts: Dataset<T>[] = [];
  for (const name of paths) {
    const input = await openPath(name, { ...defaultLimits, ...options.limits });
    const own = typeof imageRoot === "object" ? rootOf(imageRoot, name) : imageRoot;
    const reading = own === undefined ? rest : { ...rest, imageRoot: own };
    parts.push(await readData(task, input, reading, { csv: csvRecords, listFolder, ...second }));
  }
  return joined(parts);
}

const withoutSlash = (path: string): string => path.replace(/[/\\]+$/, "");

/** The path's own folder, if one is named for it. A slash at the end of either path makes no difference. */
function rootOf(
  roots: Readonly<Record<string, string>>,
  path: string,
): string | Readonly<Record<string, string>> {
  const name = Object.keys(roots).find((one) => withoutSlash(one) === withoutSlash(path));
  return name === undefined ? roots : (roots[name] ?? roots);
}

function joined<T extends Task>(parts: readonly Dataset<T>[]): Dataset<T> {
  const [first, ...others] = parts;
  if (first === undefined) throw badOption("path", "a path, or several", "none");
  if (others.length === 0) return first;
  return {
    ...first,
    name: parts.map(({ name }) => name).join(", "),
    description: parts.map(({ name, description }) => `${name}: ${description}`).join("; "),
    warnings: parts.flatMap(({ warnings }) => warnings),
    examples: { [Symbol.asyncIterator]: () => chained(parts) },
    parts: parts.flatMap((part) => part.parts),
  };
}
