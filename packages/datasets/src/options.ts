// What the readers may be told.
import type { InputError } from "@blip-ts/base";
import type { FormatName } from "./formats/format.ts";
import { defaultLimits, type DatasetLimits } from "./limits.ts";
import type { ColumnNames, RowContext } from "./row.ts";
import type { DataContext } from "./files.ts";

export type ContainerName = "json" | "jsonl" | "csv" | "parquet" | "webdataset" | "image-folder";

export interface DatasetOptions {
  /** The form, or what holds the rows; found from the content if it is left out. */
  readonly format?: FormatName | ContainerName;
  /**
   * The folder that relative image paths start at; the data file's own folder by default. BLIP's question lists name
   * two sets of images: `{ vqa: "coco", vg: "visual-genome" }`.
   */
  readonly imageRoot?: string | Readonly<Record<string, string>>;
  /** Takes absolute paths and ".." out of the images' folder as they are. Default false. */
  readonly allowOutside?: boolean;
  /** Which part of a file or folder that has several: "train", "val", "test", ... */
  readonly split?: string;
  /** Columns by what they hold, where their names are not the usual ones. */
  readonly columns?: ColumnNames;
  /** Bounds of what is read; each has a default. */
  readonly limits?: Partial<DatasetLimits>;
  /** Is told of each wrong row, which is then left out. By default the first one ends the reading. */
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
