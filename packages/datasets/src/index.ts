// The readers of data files, from bytes: nothing here uses a file system. `@blip-ts/datasets/node` opens paths.

// The common form
export {
  type BytesImage,
  type CaptionExample,
  type Crop,
  type ExampleId,
  type ExampleOf,
  type ExamplesByTask,
  imageKeyOf,
  type ImageSource,
  type MatchExample,
  type NlvrExample,
  type PathImage,
  type PretrainExample,
  type ReferenceExample,
  type RetrievalExample,
  type Task,
  tasks,
  type UrlImage,
  type VideoExample,
  type VqaExample,
  type WeightedAnswer,
} from "./examples.ts";
export { type Place, type PlaceName, placeName } from "./place.ts";

// Data sets: a file or folder for one task
export {
  type DataInput,
  type Dataset,
  type DatasetPart,
  readData,
  type ReadContext,
} from "./read-dataset.ts";
export { type ContainerName, type DatasetOptions } from "./options.ts";
export { type FormatName } from "./formats/format.ts";
export { knownForms } from "./formats/index.ts";
export { type ColumnNames, type ColumnRole } from "./row.ts";
export { readAnswers } from "./answer-list.ts";

// Images with their texts and all other columns, and writers of such files
export { openWebRows, type WebRow, type WebRowError, type WebRows, type WebRowsOptions } from "./web-rows.ts";
export { ColumnKinds, type ColumnKind } from "./write/column-kinds.ts";
export { csvHead, csvLine } from "./write/csv.ts";
export { base64, jsonLine, plainValue } from "./write/json.ts";
export { ParquetRows } from "./write/parquet.ts";
export { tarEnd, tarMembers, type TarMember } from "./write/tar.ts";

// Pairs: rows of images and texts for a command
export {
  type Count,
  type FirstColumn,
  type PairError,
  type PairRow,
  pairRows,
  type PairsFormat,
  type PairsOptions,
} from "./pairs.ts";

// Platform functions, and limits
export { type Bytes, type DataContext, type DataFile, type DataFolder } from "./files.ts";
export { type CsvOptions, type CsvRecord, type CsvRecords } from "./records/csv.ts";
export { type DatasetLimits, defaultLimits } from "./limits.ts";
