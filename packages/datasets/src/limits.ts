// The limits of a data file. A file is untrusted: each limit is checked before memory is allocated.

export interface DatasetLimits {
  /** Bytes of one row of text: an element of a JSON list, a line, a CSV record, a .txt or .json member. */
  readonly rowBytes: number;
  /** Levels of lists and objects in one row. */
  readonly depth: number;
  /** Bytes of one encoded image within a shard or a table. */
  readonly imageBytes: number;
  /** Bytes of a JSON document whose parts are joined in memory (COCO, MSRVTT). Lists are streamed and have no limit. */
  readonly documentBytes: number;
  /** Rows kept in memory while two parts are joined. */
  readonly joinedRows: number;
  /** Bytes of a Parquet file's footer. */
  readonly footerBytes: number;
  /** Decompressed bytes of the needed columns of one Parquet row group. */
  readonly rowGroupBytes: number;
  /** Values of one column of a Parquet row group. */
  readonly columnValues: number;
  /** Columns of a file, if all of them are kept. */
  readonly columns: number;
  /** Files of a folder. */
  readonly folderFiles: number;
  /** Frames of one video. */
  readonly videoFrames: number;
}

export const defaultLimits: DatasetLimits = {
  rowBytes: 1 << 20,
  depth: 32,
  imageBytes: 64 << 20,
  documentBytes: 2 ** 30,
  joinedRows: 4_000_000,
  footerBytes: 16 << 20,
  rowGroupBytes: 2 ** 30,
  columnValues: 8_000_000,
  columns: 1_000,
  folderFiles: 5_000_000,
  videoFrames: 10_000,
};
