// What came of it: shares of kept and dropped texts (the paper's noise ratio), and how scores are distributed.
import { must } from "@blip-ts/base";
import type { FailedExample } from "../evaluate/options.ts";
import { isKept } from "./halves.ts";
import type { RunIdentity, ScoredRow } from "./log.ts";
import type { OutputFormat } from "./options.ts";
import type { Probability } from "./score.ts";

/** Texts of one kind. */
export interface TextReport {
  /** Texts that were judged. */
  readonly texts: number;
  /** Texts that are kept. */
  readonly keptTexts: number;
  /** Texts that are left out. */
  readonly dropped: number;
  /** Of those dropped: the conventions leave nothing of them to read (only punctuation). */
  readonly unreadable: number;
  /** dropped / texts, 0 to 1: the paper's noise ratio. 0 if there are no texts. */
  readonly droppedShare: number;
  /** Mean probability of the readable ones; null if there are none. */
  readonly meanProbability: number | null;
  /** Counts of probabilities in 20 equal parts of 0 to 1, the lowest first; 1 is in the last. */
  readonly histogram: readonly number[];
}

/** What was kept and what was left out. */
export interface CapFiltReport extends RunIdentity {
  /** Does one encoding of an image serve both models? */
  readonly sharedImageEncoder: boolean;
  /** The ITM probability from which a text is kept, 0 to 1. */
  readonly threshold: number;
  /** How the kept pairs are written. */
  readonly format: OutputFormat;
  /** Texts that came with the images. */
  readonly web: TextReport;
  /** Captions that were drawn, one for each image. */
  readonly synthetic: TextReport;
  /** Images by what became of them. */
  readonly images: {
    /** Those that were captioned. */
    readonly read: number;
    readonly webOnly: number;
    readonly syntheticOnly: number;
    readonly both: number;
    readonly none: number;
  };
  /** Kept pairs of an image and a text. */
  readonly pairs: number;
  /** Rows that are left out. */
  readonly failed: { readonly count: number; readonly first: readonly FailedExample[] };
  /** Where the data's relative image paths start, if it has any: what is written by path has them as the data has them. */
  readonly imageRoot: string | null;
  /** Paths of what was written, below the run's folder. */
  readonly files: readonly string[];
  /** Images captioned and filtered by this process, and how fast: null if an earlier one had done all. */
  readonly imagesPerSecond: number | null;
  /** Of this process, loading and writing included. */
  readonly seconds: number;
}

const bins = 20;

/** Counts texts of one kind. */
export class TextCount {
  #texts = 0;
  #kept = 0;
  #unreadable = 0;
  #sum = 0;
  readonly #histogram = new Array<number>(bins).fill(0);

  add(probability: Probability, stays: boolean): void {
    this.#texts++;
    if (stays) this.#kept++;
    if (probability === null) {
      this.#unreadable++;
      return;
    }
    this.#sum += probability;
    const bin = Math.min(bins - 1, Math.floor(probability * bins));
    this.#histogram[bin] = must(this.#histogram, bin, "parts of the histogram") + 1;
  }

  get report(): TextReport {
    const [texts, keptTexts, unreadable] = [this.#texts, this.#kept, this.#unreadable];
    const dropped = texts - keptTexts;
    return {
      ...{ texts, keptTexts, dropped, unreadable },
      droppedShare: texts === 0 ? 0 : dropped / texts,
      meanProbability: texts === unreadable ? null : this.#sum / (texts - unreadable),
      histogram: [...this.#histogram],
    };
  }
}

/** Counts images and their texts. */
export class RunCount {
  readonly #threshold: number;
  readonly #web = new TextCount();
  readonly #synthetic = new TextCount();
  readonly #images = { read: 0, webOnly: 0, syntheticOnly: 0, both: 0, none: 0 };
  pairs = 0;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  add({ web, synthetic }: ScoredRow): void {
    const kept = web.map(({ probability }) => isKept(probability, this.#threshold));
    web.forEach(({ probability }, index) => this.#web.add(probability, kept[index] === true));
    const drawn = isKept(synthetic.probability, this.#threshold);
    this.#synthetic.add(synthetic.probability, drawn);
    const some = kept.includes(true);
    this.#images.read++;
    this.#images[some ? (drawn ? "both" : "webOnly") : drawn ? "syntheticOnly" : "none"]++;
    this.pairs += kept.filter(Boolean).length + (drawn ? 1 : 0);
  }

  get report(): Pick<CapFiltReport, "web" | "synthetic" | "images" | "pairs"> {
    return {
      web: this.#web.report,
      synthetic: this.#synthetic.report,
      images: { ...this.#images },
      pairs: this.pairs,
    };
  }
}
