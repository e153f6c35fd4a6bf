// The report of an evaluation.
import type { Identity } from "./identity.ts";
import type { FailedExample } from "./options.ts";

/** Numbers by name, in groups: `{ cosine: { imageToText: { r1: 81.2, ... } } }`. */
export interface Results {
  readonly [name: string]: number | string | null | readonly string[] | Results;
}

export interface PublishedNumber {
  /** The number's path in the results: "reranked.k256.imageToText.r1". */
  readonly metric: string;
  /** The published number. */
  readonly published: number;
  /** The source of the number. */
  readonly source: string;
}

/** A published number with the measured one. */
export interface Compared extends PublishedNumber {
  /** The measured number, in the unit of the published one. */
  readonly ours: number;
}

/** The metrics of a model on a data set, with the published numbers. */
export interface EvaluationReport extends Identity {
  /** The metrics of the task. */
  readonly results: Results;
  /** Published numbers of this model on this data, if both are recognised by name. */
  readonly published: readonly Compared[];
  /** Rows that could not be read or computed. */
  readonly failed: {
    /** The number of wrong rows, and of rows or images that the model could not process. */
    readonly count: number;
    /** The first 100 of them. */
    readonly first: readonly FailedExample[];
  };
  /** The number of all rows, including wrong ones. */
  readonly rows: number;
  /** The files written next to the report. */
  readonly files: readonly string[];
  /** The duration of this run, in seconds; for a resumed run, only its last part. */
  readonly seconds: number;
}

/** The number at `a.b.c`, if there is one. */
export function resultAt(results: Results, path: string): number | undefined {
  let at: Results[string] | undefined = results;
  for (const name of path.split("."))
    at = typeof at === "object" && at !== null && !Array.isArray(at) ? (at as Results)[name] : undefined;
  return typeof at === "number" ? at : undefined;
}
