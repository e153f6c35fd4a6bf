// The report of an evaluation.
import type { Identity } from "./identity.ts";
import type { FailedExample } from "./options.ts";

/** Numbers by name, in nested groups: `{ cosine: { imageToText: { r1: 81.2, ... } } }`. */
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

/** A published number with the measured number. */
export interface Compared extends PublishedNumber {
  /** The measured number, in the unit of the published number. */
  readonly ours: number;
}

/** The metrics of a model on a data set, with the published numbers. */
export interface EvaluationReport extends Identity {
  /** The metrics of the task. */
  readonly results: Results;
  /** Published numbers of this model on this data, if both are recognised by name. */
  readonly published: readonly Compared[];
  /** Rows that could not be read or evaluated. */
  readonly failed: {
    /** The number of invalid rows, and of rows or images that the model could not process. */
    readonly count: number;
    /** The first 100 failures. */
    readonly first: readonly FailedExample[];
  };
  /** The number of all rows, including invalid rows. */
  readonly rows: number;
  /** The files written next to the report. */
  readonly files: readonly string[];
  /** The duration in seconds. For a resumed run, it covers only the time since the resume. */
  readonly seconds: number;
}

/** The number at a path such as `a.b.c`; undefined if there is none. */
export function resultAt(results: Results, path: string): number | undefined {
  let at: Results[string] | undefined = results;
  for (const name of path.split("."))
    at = typeof at === "object" && at !== null && !Array.isArray(at) ? (at as Results)[name] : undefined;
  return typeof at === "number" ? at : undefined;
}
