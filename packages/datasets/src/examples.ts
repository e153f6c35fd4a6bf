// The common form: what every reader gives, whatever file it came from.
import type { Place } from "./place.ts";

/** A file below a folder. `path` is as the data says it, with "/" between names on every system. */
export interface PathImage {
  readonly kind: "path";
  readonly root: string;
  readonly path: string;
}

export interface UrlImage {
  readonly kind: "url";
  readonly url: string;
}

/** An encoded image that lay in the data file itself. */
export interface BytesImage {
  readonly kind: "bytes";
  /** For messages: the member's or the row's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type ImageSource = PathImage | UrlImage | BytesImage;

export type ExampleId = string | number;

/** Pixels of the image that count: ARO scores the box in which the relation holds. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Example {
  readonly place: Place;
}

/** One image and the texts that describe it: an image has one row (val, test) or a row for each text (train). */
export interface RetrievalExample extends Example {
  readonly image: ImageSource;
  readonly imageId: ExampleId;
  /** At least one. */
  readonly captions: readonly string[];
  /** Captions that are false of the image (`false_captions`), which training may take as hard negatives. */
  readonly falseCaptions?: readonly string[];
}

export interface CaptionExample extends Example {
  readonly image: ImageSource;
  /** What the COCO server calls `image_id`: a number if the file has or implies one. */
  readonly imageId: ExampleId;
  /** Empty for a test set without references. */
  readonly captions: readonly string[];
  /** NoCaps: `in-domain`, `near-domain` or `out-domain`. */
  readonly domain?: string;
}

/** The references of one image without the image (`coco_karpathy_val_gt.json`). */
export interface ReferenceExample extends Example {
  readonly imageId: ExampleId;
  readonly captions: readonly string[];
}

export interface WeightedAnswer {
  readonly answer: string;
  /** Share of the people who gave it; 0.2 for Visual Genome (BLIP, data/vqa_dataset.py). */
  readonly weight: number;
}

export interface VqaExample extends Example {
  readonly image: ImageSource;
  readonly question: string;
  readonly questionId: ExampleId;
  /** Distinct answers with their weights, in order of appearance. Empty for a test set. */
  readonly answers: readonly WeightedAnswer[];
  /** Every person's answer, as it lies in the file: VQA's accuracy counts them. */
  readonly humanAnswers: readonly string[];
  readonly answerType?: string;
  readonly questionType?: string;
  /** A-OKVQA's choices and the index of the right one. */
  readonly choices?: readonly string[];
  readonly correctChoice?: number;
  /** BLIP's lists: `vqa` or `vg`, which images' folder it is. */
  readonly dataset?: string;
}

export interface NlvrExample extends Example {
  readonly images: readonly [ImageSource, ImageSource];
  readonly sentence: string;
  /** Absent in a hidden test set. */
  readonly label?: boolean;
  readonly identifier: string;
}

/** Images and texts of which it is known who fits whom: pairs, triples (one true, one false text), Winoground's 2 x 2. */
export interface MatchExample extends Example {
  readonly images: readonly ImageSource[];
  readonly texts: readonly string[];
  /** [image][text]. */
  readonly matches: readonly (readonly boolean[])[];
  readonly id: ExampleId;
  /** What results are grouped by: the relation, the attributes, the tag. */
  readonly group?: string;
  readonly crop?: Crop;
}

export interface PretrainExample extends Example {
  readonly image: ImageSource;
  readonly caption: string;
  /** Captions that are false of the image (`false_captions`), which training may take as hard negatives. */
  readonly falseCaptions?: readonly string[];
  /**
   * What the image's patches show, row by row: a name, or its number among names that the reader does not know; null if
   * that is not known.
   */
  readonly patches?: readonly (string | number | null)[];
}

/** A clip as a folder of frames, in their order. */
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
