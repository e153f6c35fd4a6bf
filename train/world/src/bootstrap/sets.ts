// The rows' training sets, built from CapFilt's results for each web image.
import { must } from "@blip-ts/base";
import type { RowName } from "./settings.ts";

/** An image with its text, in the form that `blip train pretrain` reads. */
export interface Pair {
  /** The path relative to the file with the pair. */
  readonly image: string;
  readonly caption: string;
  /** The contents of each patch of the image; undefined for grey images. */
  readonly patches?: Patches | undefined;
}

/** Patch labels, row by row: 0 for nothing, a thing's number, null if unclear. */
export type Patches = readonly (number | null)[];

/** A text with its ITM probability; null if the text is unreadable. */
export interface JudgedText {
  readonly text: string;
  readonly probability: number | null;
}

/** A web image's own text and a generated caption, both scored by the filter. */
export interface JudgedImage {
  readonly web: JudgedText;
  readonly synthetic: JudgedText;
}

export interface SetSources {
  /** All web images with their own texts. */
  readonly web: readonly Pair[];
  readonly clean: readonly Pair[];
  /** A true caption per web image. */
  readonly truth: readonly string[];
  /** The grey image of the row `blind`. */
  readonly blank: string;
  /** The results per web image; needed by the rows of `usesCapFilt`. */
  readonly judged: readonly JudgedImage[];
  readonly threshold: number;
}

/** Whether a row's set needs the captioner or the filter. */
export const usesCapFilt = (row: RowName): boolean => row !== "a" && row !== "e" && row !== "blind";

/** The composition of a set, in pairs. */
export interface SetCounts {
  readonly web: number;
  readonly synthetic: number;
  readonly truth: number;
  readonly clean: number;
}

/** The same rule as in `blip capfilt`. */
export const fits = ({ probability }: JudgedText, threshold: number): boolean =>
  probability !== null && probability >= threshold;

interface Parts {
  readonly web: readonly Pair[];
  readonly synthetic: readonly Pair[];
  readonly truth: readonly Pair[];
}

function partsOf(row: RowName, sources: SetSources): Parts {
  const { web, truth, judged, threshold } = sources;
  const none: Parts = { web: [], synthetic: [], truth: [] };
  const fittingWeb = () => web.filter((_, at) => fits(must(judged, at).web, threshold));
  const synthetic = (all: boolean) =>
    web.flatMap((pair, at) => {
      const { synthetic: text } = must(judged, at);
      return all || fits(text, threshold) ? [{ ...pair, caption: text.text }] : [];
    });
  switch (row) {
    case "a":
      return { ...none, web };
    case "b":
      return { ...none, web: fittingWeb() };
    case "c":
      return { ...none, web, synthetic: synthetic(true) };
    case "d":
    case "beam":
      return { ...none, web: fittingWeb(), synthetic: synthetic(false) };
    case "e":
    case "blind":
      return { ...none, truth: web.map((pair, at) => ({ ...pair, caption: must(truth, at) })) };
  }
}

/** A row's pairs, the clean ones last, and their counts by kind. */
export function setOf(
  row: RowName,
  sources: SetSources,
): { readonly pairs: readonly Pair[]; readonly counts: SetCounts } {
  const { web, synthetic, truth } = partsOf(row, sources);
  const { clean, blank } = sources;
  const pairs = [...web, ...synthetic, ...truth, ...clean];
  return {
    pairs: row === "blind" ? pairs.map(({ caption }) => ({ image: blank, caption })) : pairs,
    counts: {
      ...{ web: web.length, synthetic: synthetic.length },
      ...{ truth: truth.length, clean: clean.length },
    },
  };
}
