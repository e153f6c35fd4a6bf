// The readers for Node, which open paths.
export * from "./index.ts";
export { csvRecords } from "./node/csv-records.ts";
export { imagePath } from "./node/image-path.ts";
export { listFolder, openFile, openPath } from "./node/open-path.ts";
export { type PathOptions, pathOptionNames, readDataset } from "./node/read-dataset.ts";
export { readWebRows } from "./node/read-web-rows.ts";
export { readAnswerList, readPairs } from "./node/read-pairs.ts";
