// The options of the readers.
import type { InputError } from "@blip-ts/base";
import type { FormatName } from "./formats/format.ts";
import { defaultLimits, type DatasetLimits } from "./limits.ts";
import type { ColumnNames, RowContext } from "./row.ts";
import type { DataContext } from "./files.ts";

export type ContainerName = "json" | "jsonl" | "csv" | "parquet" | "webdataset" | "image-folder";

export interface DatasetOptions {
  /** The form or the container of the rows. Default: detected from the content. */
  readonly format?: FormatName | ContainerName;
  /**
   * The base folder of relative image paths. Default: the data file's folder. BLIP's question lists use two sets of
   * images: `{ vqa: "coco", vg: "visual-genome" }`. If several paths are read, a path's name gives it a folder of its
   * own: `{ "out/kept": "photos" }`.
   */
  readonly imageRoot?: string | Readonly<Record<string, string>>;
  /** Accepts absolute paths, and ".." that leads outside the images' folder. Default: false. */
  readonly allowOutside?: boolean;
  /**
   * The split to read ("train", "val", "test", ...): a folder's files of that name, or a file's rows with that value in
   * their field `split`. Data without splits refuse it. Default: none.
   */
  readonly split?: string;
  /** The columns by role. Default: the usual names. */
  readonly columns?: ColumnNames;
  /** The limits of reading; each has a default. */
  readonly limits?: Partial<DatasetLimits>;
  /** Called with the error of each invalid row, which is skipped. By default, the first such error ends the reading. */
  readonly onRowError?: (error: InputError) => void;
}

export function rowContext(options: DatasetOptions, root: string, context: DataContext): RowContext {
  const { imageRoot, columns = {}, allowOutside = false } = options;
  return {
    limits: { ...defaultLimits, ...options.limits },
    columns,
    allowOutside,
    root(dataset) {
      if (typeof imageRoot === "string") return imageRoot;
      const own = dataset !== undefined && imageRoot !== undefined && Object.hasOwn(imageRoot, dataset);
      return own ? (imageRoot[dataset] ?? root) : root;
    },
    ...(context.listFolder === undefined ? {} : { listFolder: context.listFolder.bind(context) }),
  };
}
