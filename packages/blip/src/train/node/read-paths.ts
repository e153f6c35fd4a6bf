// Opens the data of a run. A run may read several lists, so each path may have its own folder of images.
import { must } from "@blip-ts/base";
import {
  readDataset,
  type Dataset,
  type ExampleOf,
  type PathOptions,
  type Task,
} from "@blip-ts/datasets/node";

/** How to read the files of a run's data. */
export type Reader = Omit<PathOptions, "onRowError">;

/**
 * Opens data as `readDataset` does. If `imageRoot` has a folder for one of the paths, that folder is the base of the
 * path's images.
 * @throws {UsageError} `dataset/bad-option` @throws {InputError} `dataset/...`
 */
export async function readPaths<T extends Task>(
  task: T,
  path: string | readonly string[],
  options: PathOptions,
): Promise<Dataset<T>> {
  const paths = typeof path === "string" ? [path] : path;
  const { imageRoot, annotations } = options;
  const folders = new Map(typeof imageRoot === "object" ? Object.entries(imageRoot) : []);
  // `readDataset` refuses annotations of several paths.
  if (!paths.some((name) => folders.has(name)) || (annotations !== undefined && paths.length > 1))
    return readDataset(task, path, options);
  const sets: Dataset<T>[] = [];
  for (const name of paths) {
    const folder = folders.get(name);
    sets.push(
      await readDataset(task, name, folder === undefined ? options : { ...options, imageRoot: folder }),
    );
  }
  return joined(sets);
}

const joined = <T extends Task>(sets: readonly Dataset<T>[]): Dataset<T> => ({
  ...must(sets, 0),
  name: sets.map(({ name }) => name).join(", "),
  description: sets.map(({ name, description }) => `${name}: ${description}`).join("; "),
  examples: { [Symbol.asyncIterator]: () => chained(sets) },
  parts: sets.flatMap(({ parts }) => parts),
});

async function* chained<T extends Task>(sets: readonly Dataset<T>[]): AsyncGenerator<ExampleOf<T>> {
  for (const { examples } of sets) yield* examples;
}
