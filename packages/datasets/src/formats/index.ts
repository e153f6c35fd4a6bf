// All forms, by task.
import type { Task } from "../examples.ts";
import { captionFormats, pretrainFormats, retrievalFormats } from "./captions.ts";
import {
  cocoCaptions,
  cocoReferences,
  cocoRetrieval,
  karpathySplitCaptions,
  karpathySplitRetrieval,
} from "./coco.ts";
import type { DocumentFormat, RecordFormat } from "./format.ts";
import { matchFormats, sugarcrepeDocument } from "./match.ts";
import { nlvrFormats } from "./nlvr.ts";
import { msrvttDocument, videoFormats } from "./video.ts";
import { vqaOfficial } from "./vqa-official.ts";
import { vqaFormats } from "./vqa.ts";

interface FormatsOf<T extends Task> {
  readonly records: readonly RecordFormat<T>[];
  readonly documents: readonly DocumentFormat<T>[];
}

export const formats: { readonly [T in Task]: FormatsOf<T> } = {
  retrieval: { records: retrievalFormats, documents: [cocoRetrieval, karpathySplitRetrieval] },
  caption: { records: captionFormats, documents: [cocoCaptions, karpathySplitCaptions] },
  references: { records: [], documents: [cocoReferences] },
  vqa: { records: vqaFormats, documents: [vqaOfficial] },
  nlvr: { records: nlvrFormats, documents: [] },
  match: { records: matchFormats, documents: [sugarcrepeDocument] },
  pretrain: { records: pretrainFormats, documents: [] },
  video: { records: videoFormats, documents: [msrvttDocument] },
};

/** The forms of a task, each as `"coco" (COCO's annotations: ...)`. */
export const knownForms = (task: Task): string[] =>
  [...formats[task].records, ...formats[task].documents].map(({ name, what }) => `"${name}" (${what})`);
