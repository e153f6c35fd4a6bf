// The interface of every output format: kept pairs in, files out. Rows come in the data's order, and the same rows give
// the same files.
import type { Closable } from "@blip-ts/base";
import type { ColumnKind, WebRow } from "@blip-ts/datasets";
import type { CapFiltHost } from "../host.ts";
import type { Probability } from "../score.ts";

/** A kept text with its provenance. */
export interface KeptPair {
  readonly kind: "web" | "synthetic";
  readonly text: string;
  readonly provenance: Provenance;
}

/** An image with its kept texts, at least one. */
export interface KeptImage {
  /** The row's number, from 0. */
  readonly n: number;
  readonly row: WebRow;
  readonly pairs: readonly KeptPair[];
}

/** The provenance of a kept pair, as columns next to the row's own. */
export interface Provenance {
  /** File and row: "captions.jsonl, line 3". */
  readonly capfilt_source: string;
  readonly capfilt_kind: "web" | "synthetic";
  /**
   * The probabilities of the kept text, of a web text and of the synthetic text. The web text is the best one for a
   * kept synthetic text, and the kept text itself otherwise.
   */
  readonly capfilt_probability: number;
  readonly capfilt_web_probability: Probability;
  readonly capfilt_synthetic_probability: Probability;
  /** The drawn caption of the image, kept or not. */
  readonly capfilt_synthetic: string;
  /** The seed of its draw. */
  readonly capfilt_seed: number;
  /** SHA-256 of the models' weights. */
  readonly capfilt_captioner: string;
  readonly capfilt_filter: string;
}

export const provenanceKinds: Readonly<Record<keyof Provenance, ColumnKind>> = {
  capfilt_source: "text",
  capfilt_kind: "text",
  capfilt_probability: "double",
  capfilt_web_probability: "double",
  capfilt_synthetic_probability: "double",
  capfilt_synthetic: "text",
  capfilt_seed: "int64",
  capfilt_captioner: "text",
  capfilt_filter: "text",
};

/** The columns of the data: those of images and texts, and the types of the others. */
export interface OutputColumns {
  readonly image: string;
  readonly imageKind: "text" | "image";
  readonly text: string;
  readonly others: ReadonlyMap<string, ColumnKind>;
}

/** The target of a writer. */
export interface Target {
  readonly host: CapFiltHost;
  /** An empty folder. */
  readonly folder: string;
  readonly columns: OutputColumns;
  readonly signal?: AbortSignal | undefined;
}

export interface PairWriter extends Closable {
  /**
   * @throws {InputError} `image/...` if the image is to be copied and cannot be read @throws {UsageError}
   * `capfilt/cannot-write`
   */
  add(image: KeptImage): Promise<void>;
  /** Writes the rest. @throws {UsageError} `capfilt/cannot-write` */
  end(): Promise<void>;
}

/** All columns of a kept pair, in order. */
export function allColumns({ image, imageKind, text, others }: OutputColumns): Map<string, ColumnKind> {
  const own = [...others].filter(([name]) => !Object.hasOwn(provenanceKinds, name));
  return new Map<string, ColumnKind>([
    [image, imageKind],
    [text, "text"],
    ...own,
    ...Object.entries(provenanceKinds),
  ]);
}

/** A kept pair as a row. @param image the value of the image column */
export function recordOf(
  { row }: KeptImage,
  { text, provenance }: KeptPair,
  columns: OutputColumns,
  image: unknown,
): Record<string, unknown> {
  return { [columns.image]: image, [columns.text]: text, ...row.fields, ...provenance };
}

/** Rows per file of a split output, and image files per folder. */
export const rowsOfPart = 10_000;

/** `00003`: the name of a part. */
export const partName = (index: number): string => String(index).padStart(5, "0");

/** `000030017`: a name from the row's number, unique within the data. */
export const rowName = (n: number): string => String(n).padStart(9, "0");
