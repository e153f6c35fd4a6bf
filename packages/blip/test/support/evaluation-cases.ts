// One evaluation per common data format: fixtures/datasets with a tiny model. oracle/legacy/evaluation_goldens.py runs
// LAVIS on the same rows. The lists name images that the repository does not contain. Images of fixtures/images replace
// them, in the order of first mention.
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type EvaluateOptions, type EvaluationData, type EvaluationTask } from "blip-ts";
import { type ImageSource, readDataset, type Task } from "@blip-ts/datasets/node";
import { fixture } from "./goldens.ts";

export interface EvaluationCase {
  readonly name: string;
  readonly task: EvaluationTask;
  /** The path below fixtures/datasets. */
  readonly path: string;
  readonly data?: Omit<EvaluationData, "path" | "annotations"> & { readonly annotations?: string };
  /** Options for `evaluate`; `answers` is BLIP's list. */
  readonly options?: EvaluateOptions;
}

const lists = "lists/";
const k = 2;
const answers = ["yes", "net", "a red car", "her", "snow"];

const retrieval = (name: string, path: string, data: EvaluationCase["data"] = {}): EvaluationCase => ({
  ...{ name: `retrieval ${name}`, task: "retrieval", path, data },
  options: { k },
});
const of = (
  task: EvaluationTask,
  name: string,
  path: string,
  data: EvaluationCase["data"] = {},
): EvaluationCase => ({
  ...{ name: `${task} ${name}`, task, path, data },
});

export const evaluationCases: readonly EvaluationCase[] = [
  retrieval("karpathy val", `${lists}coco_karpathy_val.json`),
  retrieval("karpathy train", `${lists}coco_karpathy_train.json`),
  retrieval("flickr30k", `${lists}flickr30k_test.json`),
  retrieval("coco", `${lists}captions_val2014.json`),
  retrieval("karpathy's own", `${lists}dataset_coco.json`, { split: "test" }),
  retrieval("csv", `${lists}captions.csv`, { imageRoot: "." }),
  retrieval("tsv", `${lists}captions.tsv`, { imageRoot: "." }),
  retrieval("metadata folder", "metadata-folder"),
  retrieval("parquet", "parquet/snappy.parquet"),
  retrieval("webdataset", "shards/00000.tar"),
  retrieval("image folder", "folder"),
  retrieval("msrvtt", `${lists}msrvtt_test.jsonl`, { video: true, imageRoot: "frames" }),
  retrieval("msrvtt json", `${lists}test_videodatainfo.json`, { video: true, imageRoot: "frames" }),
  retrieval("msrvtt csv", `${lists}MSRVTT_JSFUSION_test.csv`, { video: true, imageRoot: "frames" }),
  of("caption", "karpathy val", `${lists}coco_karpathy_val.json`),
  of("caption", "coco", `${lists}captions_val2014.json`),
  of("nocaps", "blip", `${lists}nocaps_val.json`),
  of("nocaps", "val", `${lists}nocaps_val_4500_captions.json`),
  of("nocaps", "test", `${lists}nocaps_test_image_info.json`),
  of("caption", "parquet", "parquet/snappy.parquet"),
  of("vqa", "blip train", `${lists}vqa_train.json`),
  of("vqa", "visual genome", `${lists}vg_qa.json`),
  of("vqa", "blip test", `${lists}vqa_test.json`),
  of("vqa", "v2", `${lists}v2_questions.json`, { annotations: `${lists}v2_annotations.json` }),
  of("vqa", "ok-vqa", `${lists}okvqa_questions.json`, { annotations: `${lists}okvqa_annotations.json` }),
  of("vqa", "a-okvqa", `${lists}aokvqa_v1p0_val.json`),
  {
    ...of("vqa", "ranked", `${lists}v2_questions.json`, { annotations: `${lists}v2_annotations.json` }),
    options: { answers, k: 3 },
  },
  of("vqa", "hub folder", "parquet/hub", { split: "train" }),
  of("nlvr", "blip", `${lists}nlvr_dev.json`),
  of("nlvr", "official", `${lists}nlvr2.jsonl`),
  of("match", "winoground", `${lists}winoground.jsonl`),
  of("match", "winoground parquet", "parquet/winoground.parquet"),
  of("match", "aro relation", `${lists}visual_genome_relation.json`),
  of("match", "aro attribution", `${lists}visual_genome_attribution.json`),
  of("match", "aro order", `${lists}coco_order.json`),
  of("match", "sugarcrepe", `${lists}sugarcrepe_add_att.json`),
];

/** The tiny model for the case's task. */
export const modelOf = ({ task }: EvaluationCase): string =>
  fixture(
    `tiny/${{ retrieval: "match", match: "match", caption: "pretrain", nocaps: "pretrain", vqa: "vqa", nlvr: "nlvr" }[task]}-original`,
  );

const pictures = ["astronaut", "chelsea", "coffee", "rocket"];

const dataTask = ({ task, data }: EvaluationCase): Task =>
  task === "nocaps" ? "caption" : task === "retrieval" && data?.video === true ? "video" : task;

export interface ReadCase {
  /** The data argument for `evaluate`. */
  readonly data: EvaluationData;
  /** Rows as the readers return them; images are files below fixtures/ or bytes in base64. */
  readonly rows: readonly unknown[];
}

/** The folders created so far; `removeCases` deletes them. */
const made: string[] = [];
export const removeCases = () =>
  Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true })));

/** Reads a case's data, and puts an image at every path that it names. */
export async function readCase(one: EvaluationCase): Promise<ReadCase> {
  const path = fixture(`datasets/${one.path}`);
  const { annotations, imageRoot, video, ...rest } = one.data ?? {};
  const own = typeof imageRoot === "string";
  const root = own ? fixture(`datasets/${imageRoot}`) : await mkdtemp(join(tmpdir(), "blip-eval-"));
  if (!own) made.push(root);
  const isContainer = !one.path.startsWith(lists);
  const reading = {
    ...rest,
    ...(isContainer ? {} : { imageRoot: root }),
    ...(annotations === undefined ? {} : { annotations: fixture(`datasets/${annotations}`) }),
  };
  const places = new Map<string, string>();
  const dataset = await readDataset(dataTask(one), path, { ...reading, onRowError: () => undefined });
  const rows: unknown[] = [];
  for await (const example of dataset.examples) {
    const shown = JSON.stringify(example, (key, value: unknown) => {
      if (key === "place") return undefined;
      return isImage(value) ? imageOf(value, places, !own && !isContainer) : value;
    });
    rows.push(JSON.parse(shown));
  }
  for (const [to, from] of places) {
    await mkdir(dirname(join(root, to)), { recursive: true });
    await copyFile(fixture(from), join(root, to));
  }
  return { data: { ...reading, path, ...(video === undefined ? {} : { video }) }, rows };
}

const isImage = (value: unknown): value is ImageSource =>
  typeof value === "object" && value !== null && "kind" in value;

/** @param standsIn whether an image of fixtures/images replaces the named one */
function imageOf(source: ImageSource, places: Map<string, string>, standsIn: boolean): unknown {
  if (source.kind === "bytes") return { base64: Buffer.from(source.bytes).toString("base64") };
  if (source.kind === "url") throw new Error(`no case has URLs: ${source.url}`);
  if (!standsIn) return { file: join(source.root, source.path).slice(fixture("").length) };
  const known = places.get(source.path);
  const file = known ?? `images/${pictures[places.size % pictures.length] ?? ""}.jpg`;
  places.set(source.path, file);
  return { file };
}
