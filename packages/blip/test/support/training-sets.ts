// Data sets in memory for training: lists and shards of rows with an image and a caption.
import { InputError, type Closable, closing } from "@blip-ts/base";
import type { Dataset, DatasetPart, ImageSource, Place } from "@blip-ts/datasets";
import type { MatchBatch, TrainingData, TrainingPosition } from "../../src/train/data/batch.ts";
import {
  inProcessLoader,
  type DecodeSource,
  type ImagePlan,
  type SampleLoader,
} from "../../src/train/data/load-sample.ts";
import type { TrainingDataOptions } from "../../src/train/data/options.ts";
import { openTrainingData } from "../../src/train/data/training-data.ts";
import { augmentImages } from "./augment-images.ts";

export const path = (name: string): ImageSource => ({ kind: "path", root: "/images", path: name });
export const bytes = (name: string, size = 8): ImageSource => ({
  kind: "bytes",
  name,
  bytes: new Uint8Array(size),
});
export const place = (at: number, file = "list.json"): Place => ({ file, unit: "index", at });

const badImage = (name: string) => new InputError("image/not-found", `${name}: expected a file, got none.`);

/** Returns an image for a name: "7.png" is number 7 (from 0) of the small images. */
export const decode: DecodeSource = (image) => {
  const name = image.kind === "path" ? image.path : image.kind === "bytes" ? image.name : image.url;
  const found = augmentImages[Number.parseInt(name, 10) % augmentImages.length];
  if (name.includes("bad") || found === undefined) return Promise.reject(badImage(name));
  return Promise.resolve(found);
};

export interface Shown {
  readonly name: string;
  readonly text: string;
  /** The image's id in the data. Default: its name. */
  readonly imageId?: string | number;
  readonly falseCaptions?: readonly string[];
}

export type Row = Shown | InputError;

function part(rows: readonly Row[], file: string, streamed: boolean, tell: (error: InputError) => void) {
  async function* examples() {
    for (const [index, row] of rows.entries()) {
      await Promise.resolve();
      if (row instanceof InputError) {
        if (row.code === "dataset/damaged") throw row;
        tell(row);
      } else
        yield {
          place: place(index, file),
          image: streamed ? bytes(row.name) : path(row.name),
          imageId: row.imageId ?? row.name,
          captions: [row.text],
          ...(row.falseCaptions && { falseCaptions: row.falseCaptions }),
        };
    }
  }
  return { name: file, examples: { [Symbol.asyncIterator]: examples } };
}

const datasetOf = (parts: readonly DatasetPart<"retrieval">[], streamed: boolean): Dataset<"retrieval"> => ({
  task: "retrieval",
  name: "list.json",
  format: "karpathy",
  container: streamed ? "webdataset" : "json",
  description: "a list",
  warnings: [],
  examples: {
    async *[Symbol.asyncIterator]() {
      for (const { examples } of parts) yield* examples;
    },
  },
  parts,
});

export interface Setup extends Partial<TrainingDataOptions> {
  /** Shards, each a list of rows. */
  readonly shards?: readonly (readonly Row[])[];
  readonly rows?: readonly Row[];
  readonly loader?: (plan: ImagePlan) => SampleLoader;
}

export const open = ({ shards, rows, loader, ...options }: Setup): Promise<TrainingData<"match">> =>
  openTrainingData(
    "match",
    {
      open: (tell) => {
        const all = shards ?? [rows ?? []];
        const parts = all.map((some, index) => part(some, `${index}.tar`, shards !== undefined, tell));
        return Promise.resolve(datasetOf(parts, shards !== undefined));
      },
      loader: loader ?? ((plan) => inProcessLoader(plan, decode)),
    },
    { batchSize: 4, imageSize: 16, ...options },
  );

export const numbered = (count: number, first = 0): Shown[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `${first + index}.png`,
    text: `caption ${first + index}`,
  }));

export async function take(batches: AsyncIterable<MatchBatch>, count = Number.POSITIVE_INFINITY) {
  const found: MatchBatch[] = [];
  for await (const batch of batches) {
    found.push(batch);
    if (found.length === count) break;
  }
  return found;
}

export const epochOf = (data: TrainingData<"match">, epoch = 0, from?: TrainingPosition) =>
  take(data.batches({ untilEpoch: epoch + 1, from }));

export const using = <R>(setup: Setup, use: (data: TrainingData<"match">) => Promise<R>): Promise<R> =>
  open(setup).then((data) => closing(data as TrainingData<"match"> & Closable, use));

export const captionsOf = (batches: readonly MatchBatch[]) => batches.flatMap(({ captions }) => captions);
