// The scores of a model on a test, taken from the report of `blip eval`. All shares are in percent.
import type { JudgedTask } from "./tests.ts";

/** The scores of a test by their names. */
export type Scores = Readonly<Record<string, number>>;

interface Ranked {
  readonly rankedRight: number;
}

interface MatchResults {
  readonly itm: Ranked & { readonly accuracy: number; readonly recall: number };
  readonly cosine?: Ranked;
  readonly byGroup: Readonly<Record<string, Ranked>>;
}

interface CaptionResults {
  readonly ciderD: number;
  readonly bleu4: number;
  readonly things: { readonly precision: number; readonly recall: number; readonly f1: number };
}

interface RetrievalResults {
  readonly reranked: Readonly<
    Record<string, Readonly<Record<"imageToText" | "textToImage", { readonly r1: number }>>>
  >;
}

interface VqaResults {
  readonly accuracy: number;
  readonly byQuestionType: Scores;
}

/** The results that `blip eval` reports for each task. */
export interface Results {
  readonly match: MatchResults;
  readonly caption: CaptionResults;
  readonly retrieval: RetrievalResults;
  readonly vqa: VqaResults;
  readonly nlvr: { readonly accuracy: number };
}

const percent = (share: number): number => 100 * share;

const prefixed = (prefix: string, scores: Scores): Scores =>
  Object.fromEntries(
    Object.entries(scores)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, score]) => [`${prefix}: ${name}`, score]),
  );

/** There are as many false captions as true ones, so the accuracy is the mean of both shares. */
const falseBelow = ({ accuracy, recall }: MatchResults["itm"]): number => 2 * accuracy - recall;

const takers: { readonly [Task in JudgedTask]: (results: Results[Task]) => Scores } = {
  match: ({ itm, cosine, byGroup }) => ({
    "true over false": percent(itm.rankedRight),
    ...prefixed(
      "true over false",
      Object.fromEntries(
        Object.entries(byGroup).map(([kind, { rankedRight }]) => [kind, percent(rankedRight)]),
      ),
    ),
    ...(cosine && { "true over false, by cosine": percent(cosine.rankedRight) }),
    "true over 0.5": percent(itm.recall),
    "false under 0.5": percent(falseBelow(itm)),
  }),
  caption: ({ things, ciderD, bleu4 }) => ({
    "things in captions: F1": percent(things.f1),
    "captions: CIDEr-D": ciderD,
    "captions: BLEU-4": percent(bleu4),
  }),
  retrieval: ({ reranked }) => {
    const [ranking] = Object.values(reranked);
    if (ranking === undefined) throw new Error("the report has no ranking by ITM");
    return {
      "text to image: R@1": ranking.textToImage.r1,
      "image to text: R@1": ranking.imageToText.r1,
    };
  },
  vqa: ({ accuracy, byQuestionType }) => ({
    "answers: accuracy": accuracy,
    ...prefixed("answers", byQuestionType),
  }),
  nlvr: ({ accuracy }) => ({ "statements: accuracy": percent(accuracy) }),
};

export const scoresOf = <Task extends JudgedTask>(task: Task, results: Results[Task]): Scores =>
  takers[task](results);
