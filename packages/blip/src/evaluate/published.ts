// Published numbers of BLIP's models on standard data sets: from the paper (Li et al. 2022, arXiv 2201.12086) and from
// the benchmark page of LAVIS, which re-evaluated the same files.
import { type Compared, resultAt, type Results } from "./report.ts";
import type { EvaluationTask } from "./options.ts";

/** Published numbers of a model on a data set. The last parts of the names identify model and data set. */
export interface PublishedEntry {
  readonly task: EvaluationTask;
  /** Possible names of the data file, without the extension. */
  readonly data: readonly string[];
  /** The number of rows of the data, so that a part of the data does not match. */
  readonly rows: number;
  readonly models: readonly string[];
  /** Numbers by their paths in the results; in percent if the results are shares. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly source: string;
}

const paper = "paper";
const lavis = "LAVIS";

type Recalls = readonly [r1: number, r5: number, r10: number];

/** Text retrieval (TR) and image retrieval (IR), as in the paper's tables. */
const recalls = (k: number, [t1, t5, t10]: Recalls, [i1, i5, i10]: Recalls): Record<string, number> => ({
  [`reranked.k${k}.imageToText.r1`]: t1,
  [`reranked.k${k}.imageToText.r5`]: t5,
  [`reranked.k${k}.imageToText.r10`]: t10,
  [`reranked.k${k}.textToImage.r1`]: i1,
  [`reranked.k${k}.textToImage.r5`]: i5,
  [`reranked.k${k}.textToImage.r10`]: i10,
});

const coco = { task: "retrieval", data: ["coco_karpathy_test"], rows: 5000 } as const;
const flickr = { task: "retrieval", data: ["flickr30k_test"], rows: 1000 } as const;
const cocoCaptions = { task: "caption", data: ["coco_karpathy_test"], rows: 5000 } as const;
const nocaps = { task: "nocaps", data: ["nocaps_val_4500_captions"], rows: 4500 } as const;

const baseCoco = ["model_base_retrieval_coco", "blip-itm-base-coco"];
const largeCoco = ["model_large_retrieval_coco", "blip-itm-large-coco"];
const baseFlickr = ["model_base_retrieval_flickr", "blip-itm-base-flickr"];
const largeFlickr = ["model_large_retrieval_flickr", "blip-itm-large-flickr"];
const baseCaption = ["model_base_caption_capfilt_large"];
const largeCaption = ["model_large_caption"];

export const publishedEntries: readonly PublishedEntry[] = [
  { ...coco, models: baseCoco, numbers: recalls(256, [81.9, 95.4, 97.8], [64.3, 85.7, 91.5]), source: paper },
  { ...coco, models: baseCoco, numbers: recalls(256, [82.0, 95.8, 98.1], [64.5, 86.0, 91.7]), source: lavis },
  {
    ...coco,
    models: largeCoco,
    numbers: recalls(256, [82.4, 95.4, 97.9], [65.1, 86.3, 91.8]),
    source: paper,
  },
  {
    ...flickr,
    models: baseFlickr,
    numbers: recalls(128, [97.3, 99.9, 100], [87.3, 97.6, 98.9]),
    source: paper,
  },
  {
    ...flickr,
    models: baseFlickr,
    numbers: recalls(128, [96.9, 99.9, 100], [87.5, 97.6, 98.9]),
    source: lavis,
  },
  {
    ...flickr,
    models: largeFlickr,
    numbers: recalls(128, [97.4, 99.8, 99.9], [87.6, 97.7, 99]),
    source: paper,
  },
  // Zero-shot: the models trained on COCO.
  { ...flickr, models: baseCoco, numbers: recalls(128, [96, 99.9, 100], [85, 96.8, 98.6]), source: paper },
  {
    ...flickr,
    models: largeCoco,
    numbers: recalls(128, [96.7, 100, 100], [86.7, 97.3, 98.7]),
    source: paper,
  },
  { ...cocoCaptions, models: baseCaption, numbers: { bleu4: 39.7, ciderD: 133.3 }, source: paper },
  { ...cocoCaptions, models: baseCaption, numbers: { bleu4: 39.9, ciderD: 133.5 }, source: lavis },
  { ...cocoCaptions, models: largeCaption, numbers: { bleu4: 40.4, ciderD: 136.7 }, source: paper },
  {
    ...nocaps,
    models: baseCaption,
    numbers: {
      ciderD: 109.6,
      "domains.in-domain.ciderD": 111.8,
      "domains.near-domain.ciderD": 108.6,
      "domains.out-domain.ciderD": 111.5,
    },
    source: paper,
  },
  {
    ...nocaps,
    models: largeCaption,
    numbers: {
      ciderD: 113.2,
      "domains.in-domain.ciderD": 114.9,
      "domains.near-domain.ciderD": 112.1,
      "domains.out-domain.ciderD": 115.3,
    },
    source: paper,
  },
  {
    ...{ task: "nlvr", data: ["nlvr_dev", "dev"], rows: 6982 },
    models: ["model_base_nlvr"],
    numbers: { accuracy: 82.48 },
    source: paper,
  },
  {
    ...{ task: "nlvr", data: ["nlvr_test", "test1"], rows: 6967 },
    models: ["model_base_nlvr"],
    numbers: { accuracy: 83.08 },
    source: paper,
  },
  {
    ...{ task: "retrieval", data: ["msrvtt_test", "MSRVTT_JSFUSION_test"], rows: 1000 },
    models: largeCoco,
    numbers: {
      "reranked.k128.textToImage.r1": 43.3,
      "reranked.k128.textToImage.r5": 65.6,
      "reranked.k128.textToImage.r10": 74.7,
    },
    source: paper,
  },
];

/** The last part of a path or id, without its extension. */
const lastPart = (name: string): string =>
  (
    name
      .split(/[/\\]/)
      .filter((part) => part !== "")
      .at(-1) ?? name
  ).replace(/(?:\.(?:pth|bin|safetensors|jsonl?|csv|parquet))+$/, "");

/** Matches metrics that are shares in the results and percentages in papers. */
const shares = /(?:^|\.)(?:bleu[1-4]|ciderD|rougeL|accuracy)$/;

/** The published numbers of this model on this data, each with the measured number. */
export function publishedBeside(
  run: {
    readonly task: EvaluationTask;
    readonly model: string;
    readonly data: string;
    readonly rows: number;
  },
  results: Results,
): Compared[] {
  const [model, data] = [lastPart(run.model), lastPart(run.data)];
  return publishedEntries
    .filter(
      (entry) =>
        entry.task === run.task &&
        entry.rows === run.rows &&
        entry.models.includes(model) &&
        entry.data.includes(data),
    )
    .flatMap(({ numbers, source }) =>
      Object.entries(numbers).flatMap(([metric, published]) => {
        const measured = resultAt(results, metric);
        if (measured === undefined) return [];
        return [
          {
            metric,
            published,
            ours: shares.test(metric) && run.task !== "vqa" ? 100 * measured : measured,
            source,
          },
        ];
      }),
    );
}
