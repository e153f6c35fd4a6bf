// Image-text matching: labelled pairs, true against false texts (ARO, SugarCrepe, FOIL), and Winoground's 2 x 2 pairs.
import type { Crop, MatchExample } from "@blip-ts/datasets";
import { matchMetrics, pairRanking, rocAuc, winoground, type WinogroundScores } from "@blip-ts/metrics";
import { BlipError, closedBy, must } from "@blip-ts/base";
import { checkArea } from "../../image/image-area.ts";
import type { RgbImage } from "../../image/raw-image.ts";
import type { Platform } from "../../platform.ts";
import { Matcher } from "../../verbs/match.ts";
import type { EvaluatedImage, EvaluationHost } from "../host.ts";
import type { EvaluateOptions } from "../options.ts";
import type { Results } from "../report.ts";
import type { Evaluated, Fields, RowTask } from "./row-task.ts";

/** The scores of a row, [image][text]. */
interface Scores {
  readonly probability: readonly (readonly number[])[];
  readonly cosine: readonly (readonly number[])[];
}

type Measure = keyof Scores;

/** Crops a box as Pillow's `crop` does: rounded to whole pixels, black outside the image. */
export function cropped(
  image: RgbImage,
  crop: Crop,
  name: string,
  maxPixels?: number,
): RgbImage & { channels: 3 } {
  const [x, y] = [Math.round(crop.x), Math.round(crop.y)];
  const width = Math.max(1, Math.round(crop.x + crop.width) - x);
  const height = Math.max(1, Math.round(crop.y + crop.height) - y);
  checkArea(name, width, height, maxPixels);
  const data = new Uint8Array(3 * width * height);
  const inside = Math.min(width, image.width - x);
  for (let row = 0; row < Math.min(height, image.height - y) && inside > 0; row++) {
    const from = 3 * ((y + row) * image.width + x);
    data.set(image.data.subarray(from, from + 3 * inside), 3 * row * width);
  }
  return { data, width, height, channels: 3 };
}

/** The images of a row as input of the model, cropped if the row has a crop. */
async function imagesOf(
  { processors }: Matcher<EvaluatedImage>,
  { images, crop }: MatchExample,
  host: EvaluationHost,
  { signal, maxPixels }: EvaluateOptions,
): Promise<EvaluatedImage[]> {
  const given = images.map((image) => host.imageOf(image));
  if (crop === undefined) return given;
  const boxes: EvaluatedImage[] = [];
  for (const image of given) {
    const name = typeof image === "string" ? image : "the image";
    boxes.push(cropped(await processors.images.decode(image, signal, maxPixels), crop, name, maxPixels));
  }
  return boxes;
}

async function scoresOf(
  matcher: Matcher<EvaluatedImage>,
  examples: readonly MatchExample[],
  host: EvaluationHost,
  options: EvaluateOptions,
): Promise<(Fields | BlipError)[]> {
  const { signal, maxPixels } = options;
  const requests: { readonly row: number; readonly image: EvaluatedImage; readonly text: string }[] = [];
  const failed = new Map<number, BlipError>();
  for (const [row, example] of examples.entries())
    try {
      for (const image of await imagesOf(matcher, example, host, options))
        for (const text of example.texts) requests.push({ row, image, text });
    } catch (error) {
      if (!(error instanceof BlipError)) throw error;
      failed.set(row, error);
    }
  const answers = requests.length === 0 ? [] : await matcher.answerEach(requests, { signal, maxPixels });
  return examples.map(({ id, images, texts }, row) => {
    const wrong = failed.get(row);
    if (wrong) return wrong;
    const own = answers.filter((_, index) => must(requests, index).row === row);
    const scores = own.flatMap((answer) => (answer instanceof BlipError ? [] : [must(answer, 0)]));
    const broken = own.find((answer) => answer instanceof BlipError);
    if (broken instanceof BlipError) return broken;
    const matrix = (of: "probability" | "cosine") =>
      images.map((_, image) => texts.map((_text, text) => must(scores, image * texts.length + text)[of]));
    return { id, probability: matrix("probability"), cosine: matrix("cosine") };
  });
}

/** Whether a row has two images and two texts, as in Winoground. */
const isWinoground = ({ images, texts }: MatchExample) => images.length === 2 && texts.length === 2;

interface Gathered {
  readonly scores: number[];
  readonly labels: boolean[];
  readonly right: number[];
  readonly wrong: number[];
  readonly squares: WinogroundScores[];
}

const nothing = (): Gathered => ({ scores: [], labels: [], right: [], wrong: [], squares: [] });

/** Adds a row's pairs, its true texts each with the best false text, and its Winoground square. */
function gather(into: Gathered, { example, fields }: Evaluated<"match">, measure: Measure): void {
  const scores = (fields as unknown as Scores)[measure];
  for (const [image, own] of example.matches.entries()) {
    const ofImage = must(scores, image);
    into.scores.push(...ofImage);
    into.labels.push(...own);
    const falseOnes = ofImage.filter((_, text) => own[text] === false);
    if (falseOnes.length > 0 && falseOnes.length < own.length)
      for (const [text, label] of own.entries())
        if (label) {
          into.right.push(must(ofImage, text));
          into.wrong.push(Math.max(...falseOnes));
        }
  }
  if (!isWinoground(example)) return;
  const at = (text: 0 | 1, image: 0 | 1) => must(must(scores, image), text);
  into.squares.push([
    [at(0, 0), at(0, 1)],
    [at(1, 0), at(1, 1)],
  ]);
}

/** The results of one measure. Metrics with a threshold exist only for the ITM probability. */
function numbers({ scores, labels, right, wrong, squares }: Gathered, measure: Measure): Results {
  const bothKinds = labels.includes(true) && labels.includes(false);
  const ranked = right.length > 0 ? pairRanking(right, wrong) : undefined;
  return {
    ...(measure === "probability" ? { ...matchMetrics(scores, labels) } : {}),
    ...(bothKinds ? { auc: rocAuc(scores, labels) } : {}),
    ...(ranked ? { rankedRight: ranked.accuracy, ties: ranked.ties } : {}),
    ...(squares.length > 0 ? { winoground: { ...winoground(squares) } } : {}),
  };
}

const measures = { itm: "probability", cosine: "cosine" } as const;

export const matchTask = (platform: Platform<EvaluatedImage>): RowTask<"match"> => ({
  data: "match",
  async load(source, host, options) {
    const matcher = await Matcher.load(platform, source, options);
    return {
      loaded: matcher.model.loaded,
      decides: {},
      imagesOf: ({ images }) => images,
      fieldsOf: (examples) => scoresOf(matcher, examples, host, options),
      ...closedBy(() => matcher.close()),
    };
  },
  async results(rows) {
    const all = { itm: nothing(), cosine: nothing() };
    const groups = new Map<string, Gathered>();
    let count = 0;
    for await (const row of rows) {
      count++;
      gather(all.itm, row, measures.itm);
      gather(all.cosine, row, measures.cosine);
      const { group } = row.example;
      if (group === undefined) continue;
      const own = groups.get(group) ?? nothing();
      groups.set(group, own);
      gather(own, row, measures.itm);
    }
    const byGroup = [...groups].map(([group, own]) => [group, numbers(own, measures.itm)] as const);
    return {
      rows: count,
      pairs: all.itm.labels.length,
      itm: numbers(all.itm, measures.itm),
      cosine: numbers(all.cosine, measures.cosine),
      ...(byGroup.length > 0 ? { byGroup: Object.fromEntries(byGroup) } : {}),
    };
  },
});
