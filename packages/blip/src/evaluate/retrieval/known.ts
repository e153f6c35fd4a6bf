// The state of a retrieval run: unit vectors, pair scores and failures, restored from its log and kept in memory.
import type { LoggedRow, RowLog } from "../row-log.ts";
import type { Collection } from "./collection.ts";
import { pack, unpackFloats, unpackIndices } from "./packed.ts";

/** The kinds of rows in the log. */
export const kinds = { text: "text", image: "image", pairs: "pairs" } as const;

/** Concatenated unit vectors, with a flag per vector that is known. */
interface KnownVectors {
  readonly data: Float32Array;
  readonly present: boolean[];
}

export interface Known {
  readonly images: KnownVectors;
  readonly texts: KnownVectors;
  /** The texts with known scores, and their scores, by image. */
  readonly pairs: Map<number, readonly [texts: Uint32Array, scores: Float32Array]>;
  /** The number of the record in the file of states, by image. */
  readonly stored: Map<number, number>;
  /** Failed rows, by kind and number. */
  readonly failed: Map<string, LoggedRow>;
}

function nothingKnown({ images, texts }: Collection, E: number): Known {
  const none = (count: number): KnownVectors => ({
    data: new Float32Array(count * E),
    present: Array.from({ length: count }, () => false),
  });
  return {
    images: none(images),
    texts: none(texts.length),
    pairs: new Map(),
    stored: new Map(),
    failed: new Map(),
  };
}

export class RetrievalLog {
  readonly known: Known;
  readonly #E: number;
  readonly #log: RowLog;

  private constructor(known: Known, E: number, log: RowLog) {
    [this.known, this.#E, this.#log] = [known, E, log];
  }

  /** @param E the length of a unit vector */
  static async read(collection: Collection, E: number, log: RowLog): Promise<RetrievalLog> {
    const found = new RetrievalLog(nothingKnown(collection, E), E, log);
    for await (const row of log.rows()) found.#take(row);
    return found;
  }

  /** Appends rows to the log and adds them to the state. */
  async append(rows: readonly LoggedRow[]): Promise<void> {
    await this.#log.append(rows);
    for (const row of rows) this.#take(row);
  }

  /**
   * Logs that states beyond the first `records` are lost, before new ones take their place in the file: later runs
   * would take those for the lost ones.
   */
  async keepStored(records: number): Promise<void> {
    const { images, stored } = this.known;
    const lost = [...stored].flatMap(([n, record]) => (record < records ? [] : [n]));
    if (lost.length === 0) return;
    const features = (n: number) => pack(images.data.slice(n * this.#E, (n + 1) * this.#E));
    await this.append(lost.map((n): LoggedRow => ({ kind: kinds.image, n, features: features(n) })));
  }

  /** Ignores rows that do not fit this run, such as vectors of another length. The run computes them again. */
  #take(row: LoggedRow): void {
    const { known } = this;
    const { kind, n, error } = row;
    const key = `${kind} ${n}`;
    if (error !== undefined) {
      known.failed.set(key, row);
      return;
    }
    known.failed.delete(key);
    if (kind === kinds.text) this.#vector(known.texts, row);
    if (kind === kinds.image && this.#vector(known.images, row)) {
      if (typeof row.stored === "number") known.stored.set(n, row.stored);
      else known.stored.delete(n);
    }
    if (kind === kinds.pairs) {
      const texts = unpackIndices(row.texts);
      const scores = texts && unpackFloats(row.scores, texts.length);
      if (texts && scores) known.pairs.set(n, [texts, scores]);
    }
  }

  /** Returns whether the vector fits. */
  #vector({ data, present }: KnownVectors, { n, features }: LoggedRow): boolean {
    const found = unpackFloats(features, this.#E);
    if (found === undefined || n < 0 || n >= present.length) return false;
    data.set(found, n * this.#E);
    present[n] = true;
    return true;
  }
}
