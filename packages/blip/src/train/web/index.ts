// Training data in a page.
export { createTrainingData, type WebTrainingDataOptions } from "./create-training-data.ts";
export type { PageFile, PlacedFile } from "./file-folder.ts";
