// What an evaluation says at its end.
import type { Identity } from "./identity.ts";
import type { FailedExample } from "./options.ts";

/** Numbers by name, in groups: `{ cosine: { imageToText: { r1: 81.2, ... } } }`. */
export interface Results {
  readonly [name: string]: number | string | null | readonly string[] | Results;
}

export interface PublishedNumber {
  /** Where the number stands in the results: "reranked.k256.imageToText.r1". */
  readonly metric: string;
  /** The number that was published. */
  readonly published: number;
  /** Where it was published. */
  readonly source: string;
}

/** A published number beside ours. */
export interface Compared extends PublishedNumber {
  /** In the unit of the published number. */
  readonly ours: number;
}

/** Metrics of a model on a data set, with the published numbers beside them. */
export interface EvaluationReport extends Identity {
  /** The metrics of the task. */
  readonly results: Results;
  /** What was published of this model on this data, if both are known by their names. */
  readonly published: readonly Compared[];
  /** Rows that could not be read or computed. */
  readonly failed: {
    /** Rows that are wrong, and rows or images that the model could not be asked about. */
    readonly count: number;
    /** The first 100 of them. */
    readonly first: readonly FailedExample[];
  };
  /** Rows in all, wrong ones counted. */
  readonly rows: number;
  /** Files that were written beside the report. */
  readonly files: readonly string[];
  /** How long this run took, in seconds; of one that went on, its last part. */
  readonly seconds: number;
}

/** The number at `a.b.c`, if there is one. */
export function resultAt(results: Results, path: string): number | undefined {
  let at: Results[string] | undefined = results;
  for (const name of path.split("."))
    at = typeof at === "object" && at !== null && !Array.isArray(at) ? (at as Results)[name] : undefined;
  return typeof at === "number" ? at : undefined;
}
