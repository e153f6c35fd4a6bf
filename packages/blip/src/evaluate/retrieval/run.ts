// Runs retrieval in steps: encodes texts, encodes images, ranks both by cosine, and re-ranks the best pairs by ITM
// (BLIP train_retrieval.py `evaluation`). A stopped run continues from the rows in the log.
import { BlipError, must } from "@blip-ts/base";
import type { TokenRow } from "../../run/text-batches.ts";
import type { Seen } from "../../verbs/video.ts";
import type { EvaluationHost, StatesFile } from "../host.ts";
import type { EvaluateOptions, StepClock } from "../options.ts";
import { failedRow, type LoggedRow } from "../row-log.ts";
import type { Collection, Item } from "./collection.ts";
import type { Frames, RetrievalEncoder } from "./encoder.ts";
import { kinds, type Known, type RetrievalLog } from "./known.ts";
import { pack } from "./packed.ts";
import { cosineOf, rankCosines, type CosineRanking } from "./rank-cosines.ts";

export interface RetrievalRun {
  readonly encoder: RetrievalEncoder;
  readonly collection: Collection;
  readonly host: EvaluationHost;
  readonly clock: StepClock;
  readonly options: EvaluateOptions;
  /** The file of image states, if states are cached. */
  readonly states: StatesFile | undefined;
}

/** Batch sizes: texts, images, and images whose pairs are scored. */
const textsAtOnce = 256;
const imagesAtOnce = 4;
const pairsAtOnce = 8;

/** The indices of the wanted texts, in batches. */
function* inParts(count: number, isWanted: (text: number) => boolean): Generator<number[]> {
  for (let from = 0; from < count; from += textsAtOnce) {
    const size = Math.min(textsAtOnce, count - from);
    const numbers = Array.from({ length: size }, (_, index) => from + index).filter(isWanted);
    if (numbers.length > 0) yield numbers;
  }
}

/** Encodes the texts whose unit vectors are not known yet. */
export async function encodeTexts({ encoder, collection, clock, options }: RetrievalRun, log: RetrievalLog) {
  const { texts } = collection;
  const { present } = log.known.texts;
  let done = present.filter(Boolean).length;
  clock.begin("texts", done, texts.length);
  for (const numbers of inParts(texts.length, (text) => present[text] !== true)) {
    options.signal?.throwIfAborted();
    const features = await encoder.readTexts(numbers.map((text) => must(texts, text)));
    await log.append(
      numbers.map((text, index): LoggedRow => {
        const feature = must(features, index);
        if (feature instanceof BlipError) return failedRow(kinds.text, text, feature);
        return { kind: kinds.text, n: text, features: pack(feature) };
      }),
    );
    clock.done((done += numbers.length));
  }
}

/** Decodes images in order. While the network processes a batch, the next batch is decoded. */
async function* decoded(
  encoder: RetrievalEncoder,
  items: AsyncIterable<Item>,
  size: number,
): AsyncGenerator<{ readonly item: Item; readonly frames: Frames | BlipError }[]> {
  const decode = async (batch: readonly Item[]) => {
    const withFrames = [];
    for (const item of batch) withFrames.push({ item, frames: await encoder.frames(item) });
    return withFrames;
  };
  let before: ReturnType<typeof decode> | undefined;
  let batch: Item[] = [];
  try {
    for await (const item of items) {
      batch.push(item);
      if (batch.length < size) continue;
      const ready = before;
      before = decode(batch);
      before.catch(() => undefined);
      batch = [];
      if (ready) yield await ready;
    }
    if (before) yield await before;
    before = undefined;
    if (batch.length > 0) yield await decode(batch);
  } finally {
    await before?.catch(() => undefined);
  }
}

async function* chosen(items: AsyncIterable<Item>, wanted: (n: number) => boolean): AsyncGenerator<Item> {
  for await (const item of items) if (wanted(item.n)) yield item;
}

/** Encodes decoded images. */
async function seen(
  encoder: RetrievalEncoder,
  batch: readonly { readonly item: Item; readonly frames: Frames | BlipError }[],
): Promise<{ readonly item: Item; readonly result: Seen | BlipError }[]> {
  const readable = batch.flatMap(({ frames }) => (frames instanceof BlipError ? [] : [frames]));
  const encoded = readable.length > 0 ? await encoder.see(readable) : [];
  let next = 0;
  return batch.map(({ item, frames }) => ({
    item,
    result: frames instanceof BlipError ? frames : must(encoded, next++),
  }));
}

/** Forgets the states of an earlier run that its file does not have: it may be missing or cut. */
export async function checkStored({ encoder, states }: RetrievalRun, log: RetrievalLog): Promise<void> {
  if (states === undefined) return;
  const bytes = Float32Array.BYTES_PER_ELEMENT * encoder.statesLength;
  await log.keepStored(Math.floor((await states.size()) / bytes));
}

/** Encodes the images whose unit vectors are not known yet. Writes states to disk while there is room. */
export async function encodeImages(run: RetrievalRun, log: RetrievalLog): Promise<void> {
  const { encoder, collection, clock, options, states } = run;
  const {
    images: { present },
    stored,
  } = log.known;
  const bytes = (options.statesCache ?? 0) * 1e9;
  let record = 1 + [...stored.values()].reduce((highest, number) => Math.max(highest, number), -1);
  let done = present.filter(Boolean).length;
  clock.begin("images", done, collection.images);
  const items = chosen(collection.items(), (n) => present[n] !== true);
  const { imageBatchSize = imagesAtOnce } = options;
  for await (const batch of decoded(encoder, items, imageBatchSize)) {
    options.signal?.throwIfAborted();
    const rows: LoggedRow[] = [];
    for (const { item, result } of await seen(encoder, batch)) {
      if (result instanceof BlipError) {
        rows.push(failedRow(kinds.image, item.n, result));
        continue;
      }
      const { data } = result.states;
      const fits = states !== undefined && (record + 1) * data.byteLength <= bytes;
      if (fits) await states.write(record, data);
      const storedAt = fits ? { stored: record++ } : {};
      rows.push({ kind: kinds.image, n: item.n, features: pack(result.features.data), ...storedAt });
    }
    await log.append(rows);
    clock.done((done += batch.length));
  }
}

/** The texts to score with each image, for both directions. */
function wantedTexts(ranking: CosineRanking, { images, texts }: Known): number[][] {
  const wanted = images.present.map((there, image) =>
    there ? new Set<number>(ranking.textsOf.best(image)) : new Set<number>(),
  );
  for (const [text, there] of texts.present.entries())
    if (there) for (const image of ranking.imagesOf.best(text)) must(wanted, image).add(text);
  return wanted.map((own) => [...own].sort((a, b) => a - b));
}

/** The texts without a known score. */
function missing(
  texts: readonly number[],
  known: readonly [Uint32Array, Float32Array] | undefined,
): number[] {
  const have = new Set(known?.[0]);
  return texts.filter((text) => !have.has(text));
}

/** Scores the pairs that either direction needs, image by image. */
export async function rerank(run: RetrievalRun, log: RetrievalLog, ranking: CosineRanking): Promise<void> {
  const { encoder, collection, clock, options, states } = run;
  const { known } = log;
  const wanted = wantedTexts(ranking, known);
  const left = wanted.map((texts, image) => missing(texts, known.pairs.get(image)).length > 0);
  const total = wanted.filter((texts) => texts.length > 0).length;
  let done = total - left.filter(Boolean).length;
  clock.begin("pairs", done, total);
  const tokens = tokensOf(encoder, collection.texts, known.texts.present);
  const { isStored, statesOf } = storedStates(states, known.stored, encoder.statesLength);
  const score = async (
    batch: readonly { readonly n: number; readonly states: Float32Array | BlipError }[],
  ) => {
    options.signal?.throwIfAborted();
    const rows = await scored(encoder, batch, wanted, tokens, known);
    await log.append(rows);
    clock.done((done += batch.length));
  };
  const onDisk = [...left.keys()].filter((n) => left[n] === true && isStored(n));
  for (let from = 0; from < onDisk.length; from += pairsAtOnce) {
    const batch = [];
    for (const n of onDisk.slice(from, from + pairsAtOnce)) batch.push({ n, states: await statesOf(n) });
    await score(batch);
  }
  const again = chosen(collection.items(), (n) => left[n] === true && !isStored(n));
  const { imageBatchSize = imagesAtOnce } = options;
  for await (const batch of decoded(encoder, again, imageBatchSize))
    await score(
      (await seen(encoder, batch)).map(({ item, result }) => ({
        n: item.n,
        states: result instanceof BlipError ? result : result.states.data,
      })),
    );
}

/** Tokenizes all encoded texts. */
function tokensOf(encoder: RetrievalEncoder, texts: readonly string[], present: readonly boolean[]) {
  const all: TokenRow[] = [];
  for (const numbers of inParts(texts.length, (text) => present[text] === true)) {
    const rows = encoder.tokens(numbers.map((text) => must(texts, text)));
    for (const [index, text] of numbers.entries()) {
      const { ids, mask } = must(rows, index);
      // Copy the tokens, because a view would keep the whole batch in memory.
      all[text] = { ids: ids.slice(), mask: mask.slice() };
    }
  }
  return all;
}

/** Gives access to the states on disk. */
function storedStates(states: StatesFile | undefined, stored: ReadonlyMap<number, number>, length: number) {
  const isStored = (n: number) => states !== undefined && stored.has(n);
  const statesOf = async (n: number): Promise<Float32Array> => {
    const record = stored.get(n);
    if (record === undefined || states === undefined) throw new Error(`image ${n} has no states on disk`);
    return states.read(record, length);
  };
  return { isStored, statesOf };
}

/** Computes the scores of a batch: the logit of "matches" plus the cosine, as in BLIP's ranking. */
async function scored(
  encoder: RetrievalEncoder,
  batch: readonly { readonly n: number; readonly states: Float32Array | BlipError }[],
  wanted: readonly (readonly number[])[],
  tokens: readonly TokenRow[],
  known: Known,
): Promise<LoggedRow[]> {
  const asked = batch.flatMap(({ n, states }) => (states instanceof BlipError ? [] : [{ n, states }]));
  const imageTexts = asked.map(({ n, states }) => ({
    states,
    texts: must(wanted, n).map((text) => must(tokens, text)),
  }));
  const matchLogits = imageTexts.length > 0 ? await encoder.matchLogits(imageTexts) : [];
  const logits = new Map(asked.map(({ n }, index) => [n, must(matchLogits, index)]));
  return batch.map(({ n, states }): LoggedRow => {
    const own = states instanceof BlipError ? states : logits.get(n);
    if (own === undefined) throw new Error(`image ${n} got no scores`);
    if (own instanceof BlipError) return failedRow(kinds.pairs, n, own);
    const texts = must(wanted, n);
    const scores = Float32Array.from(
      own,
      (logit, index) =>
        logit + cosineOf(known.images.data, n, known.texts.data, must(texts, index), encoder.width),
    );
    return { kind: kinds.pairs, n, texts: pack(Uint32Array.from(texts)), scores: pack(scores) };
  });
}

/** Ranks all encoded images and texts by cosine. */
export const rankAll = ({ encoder, collection, options }: RetrievalRun, { known }: RetrievalLog, k: number) =>
  rankCosines(known.images, known.texts, encoder.width, collection.textsOfImage, k, options.signal);
