// The report: shares of kept and dropped texts (the paper's noise ratio), and the distribution of scores.
import { must } from "@blip-ts/base";
import type { FailedExample } from "../evaluate/options.ts";
import { isKept } from "./halves.ts";
import type { RunIdentity, ScoredRow } from "./log.ts";
import type { OutputFormat } from "./options.ts";
import type { Probability } from "./score.ts";

/** The statistics of one kind of texts. */
export interface TextReport {
  /** The number of judged texts. */
  readonly texts: number;
  /** The number of kept texts. */
  readonly keptTexts: number;
  /** The number of dropped texts. */
  readonly dropped: number;
  /** The number of dropped texts that cannot be read: too long, or without a token after cleaning. */
  readonly unreadable: number;
  /** dropped / texts, 0 to 1: the paper's noise ratio. 0 if there are no texts. */
  readonly droppedShare: number;
  /** The mean probability of the readable texts; null if no text is readable. */
  readonly meanProbability: number | null;
  /** Counts of probabilities in 20 equal bins from 0 to 1, the lowest first; 1 is in the last bin. */
  readonly histogram: readonly number[];
}

/** The report of a CapFilt run. */
export interface CapFiltReport extends RunIdentity {
  /** Whether one encoding of an image serves both models. */
  readonly sharedImageEncoder: boolean;
  /** The minimum ITM probability of a kept text, 0 to 1. */
  readonly threshold: number;
  /** The format of the kept pairs. */
  readonly format: OutputFormat;
  /** The texts that came with the images. */
  readonly web: TextReport;
  /** The drawn captions, one per image. */
  readonly synthetic: TextReport;
  /** The numbers of images, by the kinds of their kept texts. */
  readonly images: {
    /** Captioned images. */
    readonly read: number;
    readonly webOnly: number;
    readonly syntheticOnly: number;
    readonly both: number;
    readonly none: number;
  };
  /** The number of kept image-text pairs. */
  readonly pairs: number;
  /** Rows that were left out. */
  readonly failed: { readonly count: number; readonly first: readonly FailedExample[] };
  /** The base folder of relative image paths, if the data has any. The output keeps relative paths unchanged. */
  readonly imageRoot: string | null;
  /** Paths of the written files, relative to the run's folder. */
  readonly files: readonly string[];
  /** Images captioned and filtered per second by this process; null if an earlier process handled all images. */
  readonly imagesPerSecond: number | null;
  /** The duration of this process, including loading and writing. */
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
