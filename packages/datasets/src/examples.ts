// The common form of examples. Every reader returns it, whatever the file.
import type { Place } from "./place.ts";

/** A file below a folder. `path` is as in the data, with "/" between names on every system. */
export interface PathImage {
  readonly kind: "path";
  readonly root: string;
  readonly path: string;
}

export interface UrlImage {
  readonly kind: "url";
  readonly url: string;
}

/** An encoded image stored in the data file itself. */
export interface BytesImage {
  readonly kind: "bytes";
  /** The member's or the row's name, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type ImageSource = PathImage | UrlImage | BytesImage;

export type ExampleId = string | number;

/** The relevant pixels of an image: ARO scores the box that contains the relation. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Example {
  readonly place: Place;
}

/** One image and the texts that describe it. An image has one row (val, test), or one row per text (train). */
export interface RetrievalExample extends Example {
  readonly image: ImageSource;
  /** The image's id in the data, equal in all rows of the image; absent if the data has none (`imageKeyOf`). */
  readonly imageId?: ExampleId;
  /** At least one caption. */
  readonly captions: readonly string[];
  /** False captions of the image (`false_captions`), which training may use as hard negatives. */
  readonly falseCaptions?: readonly string[];
}

export interface CaptionExample extends Example {
  readonly image: ImageSource;
  /** The image's id in the data, equal in all rows of the image; absent if the data has none. */
  readonly imageId?: ExampleId;
  /** The COCO server's `image_id`: a number if the file has or implies one. */
  readonly submissionId: ExampleId;
  /** Empty in a test set without references. */
  readonly captions: readonly string[];
  /** The domain of NoCaps: `in-domain`, `near-domain` or `out-domain`. */
  readonly domain?: string;
}

/**
 * A key that is equal for examples of the same image: the image's id in the data, or else its path or its URL. An image
 * within the data has its row for a key.
 */
export function imageKeyOf({
  imageId,
  image,
  place,
}: Pick<RetrievalExample, "imageId" | "image" | "place">): string {
  if (imageId !== undefined) return `id ${typeof imageId} ${imageId}`;
  switch (image.kind) {
    case "path":
      return `path ${image.root}\n${image.path}`;
    case "url":
      return `url ${image.url}`;
    case "bytes":
      return `row ${place.file}\n${place.at}`;
  }
}

/** The references of one image, without the image (`coco_karpathy_val_gt.json`). */
export interface ReferenceExample extends Example {
  readonly imageId: ExampleId;
  readonly captions: readonly string[];
}

export interface WeightedAnswer {
  readonly answer: string;
  /** The share of people who gave the answer; 0.2 for Visual Genome (BLIP, data/vqa_dataset.py). */
  readonly weight: number;
}

export interface VqaExample extends Example {
  readonly image: ImageSource;
  readonly question: string;
  readonly questionId: ExampleId;
  /** The distinct answers with their weights, in order of appearance. Empty in a test set. */
  readonly answers: readonly WeightedAnswer[];
  /** Every person's answer, unchanged: VQA's accuracy counts them. */
  readonly humanAnswers: readonly string[];
  readonly answerType?: string;
  readonly questionType?: string;
  /** A-OKVQA's choices and the index of the correct one. */
  readonly choices?: readonly string[];
  readonly correctChoice?: number;
  /** In BLIP's lists, `vqa` or `vg`: the set of images. */
  readonly dataset?: string;
}

export interface NlvrExample extends Example {
  readonly images: readonly [ImageSource, ImageSource];
  readonly sentence: string;
  /** Absent in a hidden test set. */
  readonly label?: boolean;
  readonly identifier: string;
}

/** Images and texts with known matches: pairs, triples (one true text, one false), Winoground's 2 x 2. */
export interface MatchExample extends Example {
  readonly images: readonly ImageSource[];
  readonly texts: readonly string[];
  /** Whether image i matches text t: matches[i][t]. */
  readonly matches: readonly (readonly boolean[])[];
  readonly id: ExampleId;
  /** The key for grouping results: the relation, the attributes, the tag. */
  readonly group?: string;
  readonly crop?: Crop;
}

export interface PretrainExample extends Example {
  readonly image: ImageSource;
  readonly caption: string;
  /** False captions of the image (`false_captions`), which training may use as hard negatives. */
  readonly falseCaptions?: readonly string[];
  /**
   * The contents of the image's patches, row by row. Each is a name, or a number of a name that the reader does not
   * know, or null if unknown.
   */
  readonly patches?: readonly (string | number | null)[];
}

/** A clip as a list of frames, in order. */
export interface VideoExample extends Example {
  readonly frames: readonly ImageSource[];
  readonly videoId: string;
  readonly captions: readonly string[];
}

export interface ExamplesByTask {
  readonly retrieval: RetrievalExample;
  readonly caption: CaptionExample;
  readonly references: ReferenceExample;
  readonly vqa: VqaExample;
  readonly nlvr: NlvrExample;
  readonly match: MatchExample;
  readonly pretrain: PretrainExample;
  readonly video: VideoExample;
}

export type Task = keyof ExamplesByTask;
export type ExampleOf<T extends Task> = ExamplesByTask[T];

export const tasks: readonly Task[] = [
  "retrieval",
  "caption",
  "references",
  "vqa",
  "nlvr",
  "match",
  "pretrain",
  "video",
];
