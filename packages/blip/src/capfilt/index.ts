export {
  captionRows,
  filterRows,
  type CaptionImagesOptions,
  type FilteredPairs,
  type FilterPairsOptions,
  type ImageToCaption,
  type PairsToFilter,
  type RowWith,
  type SyntheticCaption,
} from "./halves.ts";
export type { CapFiltHost, CollectedImage, FileSink } from "./host.ts";
export {
  capFiltOptionNames,
  type CapFiltOptions,
  type CapFiltProgress,
  type DrawingOptions,
  type OutputFormat,
  outputFormats,
  type TwoModelOptions,
} from "./options.ts";
export type { CapFiltReport, TextReport } from "./report.ts";
export type { Probability } from "./score.ts";
export { runCapFilt } from "./run.ts";
export { cannotWrite, inUse } from "./errors.ts";
