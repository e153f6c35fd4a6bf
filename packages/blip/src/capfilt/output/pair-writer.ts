// The interface of the writers of all output formats. A writer gets kept pairs in the data's order, and writes the same
// files for the same rows.
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

/** The provenance of a kept pair, as columns next to the row's own columns. */
export interface Provenance {
  /** File and row: "captions.jsonl, line 3". */
  readonly capfilt_source: string;
  readonly capfilt_kind: "web" | "synthetic";
  /**
   * The probabilities of the kept text, of a web text and of the synthetic text. For a kept synthetic text, the web
   * text is the row's best web text; otherwise, it is the kept text itself.
   */
  readonly capfilt_probability: number;
  readonly capfilt_web_probability: Probability;
  readonly capfilt_synthetic_probability: Probability;
  /** The drawn caption of the image, whether kept or not. */
  readonly capfilt_synthetic: string;
  /** The seed of the image's draw. */
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

/** The columns of the data: the image column, the text column, and the types of all other columns. */
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
   * @throws {InputError} `image/...` if the format copies images and the image cannot be read
   * @throws {UsageError} `capfilt/cannot-write`
   */
  add(image: KeptImage): Promise<void>;
  /** Writes buffered rows and ends the output. @throws {UsageError} `capfilt/cannot-write` */
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

/** Builds the output row of a kept pair. @param image the value of the image column */
export function recordOf(
  { row }: KeptImage,
  { text, provenance }: KeptPair,
  columns: OutputColumns,
  image: unknown,
): Record<string, unknown> {
  return { ...row.fields, [columns.image]: image, [columns.text]: text, ...provenance };
}

/** Rows per file of a split output, and image files per folder. */
export const rowsOfPart = 10_000;

/** The name of a part, such as `00003`. */
export const partName = (index: number): string => String(index).padStart(5, "0");

/** A name from the row's number, unique within the data, such as `000030017`. */
export const rowName = (n: number): string => String(n).padStart(9, "0");
