// The readers of data files, from bytes: nothing here knows a file system. `@blip-ts/datasets/node` opens paths.

// The common form
export {
  type BytesImage,
  type CaptionExample,
  type Crop,
  type ExampleId,
  type ExampleOf,
  type ExamplesByTask,
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

// Data sets: a file or folder of one task
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
export { cocoImageId } from "./formats/captions.ts";
export { readAnswers } from "./answer-list.ts";

// Pairs: rows of images and texts that a command is given
export {
  type Count,
  type FirstColumn,
  type PairError,
  type PairRow,
  pairRows,
  type PairsFormat,
  type PairsOptions,
} from "./pairs.ts";

// What the platform brings, and what may be taken
export { type Bytes, type DataContext, type DataFile, type DataFolder } from "./files.ts";
export { type CsvOptions, type CsvRecord, type CsvRecords } from "./records/csv.ts";
export { type DatasetLimits, defaultLimits } from "./limits.ts";
