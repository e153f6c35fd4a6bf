// What tests call inside of a page: the package as a page uses it, with numbers as plain arrays, because that is what
// comes out of a browser.
import {
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  BlipForQuestionAnswering,
  BlipProcessor,
  clearCache,
  configure,
  Matcher,
  match,
  type DownloadProgress,
  type GenerationOptions,
  type ModelOptions,
  type Tensor,
} from "blip-ts";
import type { ResizedSize } from "../../src/image/decode-options.ts";
import { resizeBicubic } from "../../src/image/resize-bicubic.ts";
import { decodeImage, type ImageInput } from "../../src/platform/web/decode-image.ts";

export interface PlainTensor {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

const floats = ({ dims, data }: PlainTensor): Tensor<"float32"> => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(data),
});
const ids = (rows: readonly (readonly number[])[]): Tensor<"int64"> => ({
  dtype: "int64",
  dims: [rows.length, rows[0]?.length ?? 0],
  data: BigInt64Array.from(rows.flat(), BigInt),
});
const plain = ({ dims, data }: Tensor<"float32">): PlainTensor => ({ dims, data: Array.from(data) });

/** What a person would see of an error. */
async function failure(promise: Promise<unknown>): Promise<{ code: unknown; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: "code" in error ? error.code : undefined, message: error.message };
  }
  throw new Error("nothing failed");
}

/** The same picture in each of the forms that a page has. */
async function imageIn(form: string, url: string): Promise<ImageInput> {
  const blob = async () => (await fetch(url)).blob();
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" } as const;
  const bitmap = async () => createImageBitmap(await blob(), exact);
  const canvas = async () => {
    const picture = await bitmap();
    const made = document.createElement("canvas");
    [made.width, made.height] = [picture.width, picture.height];
    made.getContext("2d")?.drawImage(picture, 0, 0);
    return made;
  };
  switch (form) {
    case "File":
      return new File([await blob()], "picture.png");
    case "ArrayBuffer":
      return (await blob()).arrayBuffer();
    case "HTMLImageElement": {
      const image = new Image();
      image.src = url;
      await image.decode();
      return image;
    }
    case "HTMLCanvasElement":
      return canvas();
    case "OffscreenCanvas": {
      const picture = await bitmap();
      const made = new OffscreenCanvas(picture.width, picture.height);
      made.getContext("2d")?.drawImage(picture, 0, 0);
      return made;
    }
    case "ImageBitmap":
      return bitmap();
    case "ImageData": {
      const made = await canvas();
      const data = made.getContext("2d")?.getImageData(0, 0, made.width, made.height);
      if (!data) throw new Error("no canvas");
      return data;
    }
    default:
      return url;
  }
}

export const inPage = {
  configure,
  clearCache,
  failure,
  /** Whether a page gets a GPU. */
  hasGpu: async (): Promise<boolean> => (await navigator.gpu.requestAdapter()) !== null,
  isolated: (): boolean => crossOriginIsolated,

  /** The longest time that the page could not answer while `work` went on, in milliseconds. */
  async longestPause(work: () => Promise<unknown>): Promise<number> {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 5);
    await work();
    clearInterval(timer);
    return longest;
  },

  /** How many threads announce themselves (count-threads.js) while `work` goes on. */
  async threadsStarted(work: () => Promise<unknown>): Promise<number> {
    let started = 0;
    const channel = new BroadcastChannel("threads");
    channel.onmessage = () => started++;
    await work();
    channel.close();
    return started;
  },

  match,

  async scenes(images: readonly string[], texts: readonly string[]) {
    await using matcher = await Matcher.fromPretrained("picture-book", { compat: "hf" });
    const rows = [];
    for await (const row of matcher.match(images, texts)) rows.push(row);
    return rows;
  },

  async logits(model: string, texts: readonly string[], pixels: PlainTensor, options: ModelOptions = {}) {
    const { revision, offline, onProgress, onWarning } = options;
    const sources = { revision, offline, onProgress, onWarning };
    const processor = await BlipProcessor.fromPretrained(model, sources);
    await using matching = await BlipForImageTextRetrieval.fromPretrained(model, options);
    const inputs = { pixelValues: floats(pixels), ...processor.textProcessor.encode(texts) };
    const { itmScore } = await matching.forward(inputs);
    const cosine = (await matching.forward(inputs, { useItmHead: false })).itmScore;
    return { itmScore: plain(itmScore), cosine: plain(cosine) };
  },

  /** Loads a matching model and counts what was fetched; the loaded model gives one logit. */
  async load(model: string, texts: readonly string[], pixels: PlainTensor, options: ModelOptions = {}) {
    const progress: DownloadProgress[] = [];
    const warnings: string[] = [];
    const { itmScore } = await inPage.logits(model, texts, pixels, {
      ...options,
      onProgress: (one) => void progress.push(one),
      onWarning: ({ code }) => void warnings.push(code),
    });
    return { itmScore, progress, warnings };
  },

  /**
   * Matches, and says how the model was loaded.
   * @param meanwhile what happens when it is loaded, before it is used
   */
  async scored(
    model: string,
    images: readonly string[],
    texts: readonly string[],
    { meanwhile, ...options }: ModelOptions & { meanwhile?: "pieces are thrown away" } = {},
  ) {
    const events: DownloadProgress[] = [];
    const warnings: string[] = [];
    await using matcher = await Matcher.fromPretrained(model, {
      ...options,
      onProgress: (one) => void events.push(one),
      onWarning: ({ code }) => void warnings.push(code),
    });
    for (const name of meanwhile === undefined ? [] : await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) await cache.delete(request);
    }
    const logits: (readonly number[])[] = [];
    for await (const row of matcher.match(images, texts))
      logits.push("error" in row ? [] : [...row.logits, row.cosine]);
    return { logits, warnings, converted: events.filter(({ kind }) => kind === "convert").length };
  },

  /** Begins to load a model, and does not wait for it. @returns when so many bytes of its weights are converted */
  async beginConverting(model: string, bytes: number, options: ModelOptions) {
    await new Promise<void>((resolve, reject) => {
      const onProgress = ({ kind, loaded }: DownloadProgress) => {
        if (kind === "convert" && loaded >= bytes) resolve();
      };
      Matcher.fromPretrained(model, { ...options, onProgress }).then(() => undefined, reject);
    });
  },

  /** The Caches of this package with the addresses of what they hold, and how many bytes that is. */
  async kept() {
    const found: Record<string, { readonly places: number; readonly bytes: number }> = {};
    for (const name of await caches.keys()) {
      const responses = await (await caches.open(name)).matchAll();
      const sizes = await Promise.all(responses.map(async (one) => (await one.arrayBuffer()).byteLength));
      found[name] = { places: sizes.length, bytes: sizes.reduce((a, b) => a + b, 0) };
    }
    return found;
  },

  /** A browser that keeps nothing, or that has room for so many more pieces of converted weights. */
  refuseStorage(pieces?: number): void {
    if (pieces === undefined) {
      CacheStorage.prototype.open = () => Promise.reject(new DOMException("denied", "SecurityError"));
      return;
    }
    const put = Object.getOwnPropertyDescriptor(Cache.prototype, "put")?.value as Cache["put"];
    Cache.prototype.put = function (this: Cache, place, response) {
      const url = typeof place === "string" ? place : "";
      const piece = /^https:\/\/blip-ts\.invalid\/(\d+)\?/.exec(url)?.[1];
      return piece !== undefined && Number(piece) >= pieces
        ? Promise.reject(new DOMException("no room", "QuotaExceededError"))
        : put.call(this, place, response);
    };
  },

  async captions(
    model: string,
    pixels: PlainTensor,
    cases: readonly { options: GenerationOptions; prompt: readonly number[] | undefined; rows: number }[],
    loading: ModelOptions = {},
  ) {
    await using captioning = await BlipForConditionalGeneration.fromPretrained(model, loading);
    const found = [];
    const [all = 0, ...shape] = pixels.dims;
    for (const { options, prompt, rows } of cases) {
      const pixelValues = floats({
        dims: [rows, ...shape],
        data: pixels.data.slice(0, (pixels.data.length / all) * rows),
      });
      const inputIds = prompt && ids(Array.from({ length: rows }, () => prompt));
      found.push(await captioning.generate({ pixelValues, inputIds }, options));
    }
    return found;
  },

  async answers(
    model: string,
    pixels: PlainTensor,
    questions: readonly string[],
    cases: readonly { options: GenerationOptions; rows: number }[],
  ) {
    await using answering = await BlipForQuestionAnswering.fromPretrained(model);
    const { tokenizer } = answering.loaded;
    const [all = 0, ...shape] = pixels.dims;
    const found = [];
    for (const { options, rows } of cases) {
      const pixelValues = floats({
        dims: [rows, ...shape],
        data: pixels.data.slice(0, (pixels.data.length / all) * rows),
      });
      const encoded = tokenizer.encode(questions.slice(0, rows), answering.config.text.maxPositions);
      found.push(await answering.generate({ pixelValues, ...encoded }, options));
    }
    return found;
  },

  /** The RGB bytes of a picture. */
  async pixels(
    url: string,
    options: { alpha: "white" | "drop"; orientation: "stored" | "upright" },
    form = "URL",
  ) {
    const input = await imageIn(form, url);
    const { data, width, height } = await decodeImage(input, { ...options, grey16: "clip" });
    return { data: Array.from(data), width, height };
  },

  /** The RGB bytes of a picture in a size, and the size in which the decoder gave it. */
  async resized(url: string, size: ResizedSize) {
    const decoded = await decodeImage(url, { alpha: "white", orientation: "upright", grey16: "clip", size });
    const { data } = await resizeBicubic(decoded, size.width, size.height, size.order);
    return { data: Array.from(data), decoded: [decoded.width, decoded.height] };
  },

  pixelFailure: (url: string) =>
    failure(decodeImage(url, { alpha: "white", orientation: "stored", grey16: "clip" })),
};

export type InPage = typeof inPage;

Object.assign(globalThis, { inPage });
