// The images and texts of a retrieval test, and which texts belong to which image, without the bytes of images.
import type { ExampleOf, ImageSource } from "@blip-ts/datasets";
import { must } from "@blip-ts/base";
import { uniformFrames } from "../../verbs/video.ts";
import type { EvaluationHost } from "../host.ts";
import { imageKey, type Numbered, survey, type EvaluatedData, type Reading, type Survey } from "../survey.ts";

/** Images, or clips as frames. */
export type RetrievalTask = "retrieval" | "video";

type Row = Numbered<ExampleOf<RetrievalTask>>;

/** An image or a clip: its number and its frames. */
export interface Item {
  readonly n: number;
  readonly frames: readonly ImageSource[];
  /** The place of its row, for messages. */
  readonly place: ExampleOf<RetrievalTask>["place"];
}

export interface Collection {
  readonly surveyed: Survey<RetrievalTask>;
  readonly isVideo: boolean;
  readonly images: number;
  readonly texts: readonly string[];
  /** The texts of each image, in order. */
  readonly textsOfImage: readonly (readonly number[])[];
  readonly imageOfText: Uint32Array;
  /** Reads all images again in order, each once. */
  items(): AsyncIterable<Item>;
}

/** Returns 8 frames of a clip, as in BLIP, or the image. */
const framesOf = (example: ExampleOf<RetrievalTask>): readonly ImageSource[] =>
  "frames" in example ? uniformFrames(example.frames) : [example.image];

const keyOf = (host: EvaluationHost, example: ExampleOf<RetrievalTask>): string =>
  "frames" in example ? `clip ${example.videoId}` : imageKey(host, example.image);

/** Reads the data once. Rows with the same image count as one image. @throws {InputError} */
export async function collect(data: EvaluatedData<RetrievalTask>, reading: Reading): Promise<Collection> {
  const { host } = reading;
  const numbers = new Map<string, number>();
  const texts: string[] = [];
  const textsOfImage: number[][] = [];
  const see = ({ example }: Row) => {
    const key = keyOf(host, example);
    let image = numbers.get(key);
    if (image === undefined) {
      image = textsOfImage.push([]) - 1;
      numbers.set(key, image);
    }
    for (const caption of example.captions) must(textsOfImage, image).push(texts.push(caption) - 1);
  };
  const surveyed = await survey(data, reading, see);
  const imageOfText = new Uint32Array(texts.length);
  textsOfImage.forEach((own, image) => own.forEach((text) => (imageOfText[text] = image)));
  return {
    surveyed,
    isVideo: surveyed.dataset.task === "video",
    images: textsOfImage.length,
    texts,
    textsOfImage,
    imageOfText,
    async *items() {
      let next = 0;
      for await (const { example } of surveyed.again()) {
        // Only the first row of an image has the next number.
        if (numbers.get(keyOf(host, example)) !== next) continue;
        yield { n: next++, frames: framesOf(example), place: example.place };
      }
    },
  };
}
