// Images of requests: each distinct image once, a limited number at a time, callers in turn, and slow images do not
// block others.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { badRaw } from "../image/errors.ts";
import type { ReadImage, RequestImageOptions } from "../verbs/image-batches.ts";
import { RequestImages, type ImageReader } from "./request-images.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

/** A reader whose reads the test ends. */
function held(imagesAtOnce?: number) {
  const reads = new Map<string, (read: ReadImage) => void>();
  const signals = new Map<string, AbortSignal | undefined>();
  const given: RequestImageOptions[] = [];
  const reader: ImageReader<string> = {
    imagesAtOnce,
    prepareDecoders: () => undefined,
    readImage: (image, options) => {
      given.push(options);
      signals.set(image, options.signal);
      return new Promise((resolve) => reads.set(image, resolve));
    },
  };
  const finish = async (image: string, read: ReadImage = [new Float32Array(1)]) => {
    reads.get(image)?.(read);
    await pass(0);
  };
  return { reader, finish, signals, given, begun: () => [...reads.keys()] };
}

test("an image that several share is read once, and left off when none of them waits", async () => {
  const { reader, begun, signals } = held();
  const images = new RequestImages<string>({}, 4);
  const shares = [images.share("a", reader, ""), images.share("a", reader, "other")];
  await pass(0);
  expect(begun()).toEqual(["a"]);
  shares[0]?.release();
  shares[0]?.release();
  expect(signals.get("a")?.aborted).toBe(false);
  shares[1]?.release();
  expect(signals.get("a")?.aborted).toBe(true);
  expect(images.read("a", reader)).toBeUndefined();
});

test("what is wrong with an image is its shares' failure, and a batch sees it, too", async () => {
  const { reader, finish } = held();
  const images = new RequestImages<string>({}, 4);
  const { ready } = images.share("a", reader, "");
  const failure = failureOf(() => ready);
  await pass(0);
  const error = badRaw("nothing");
  await finish("a", error);
  expect(await failure).toBe(error);
  expect(await images.read("a", reader)).toBe(error);
});

test("so many are read or ready at a time, callers in turn; who is answered gives its place", async () => {
  const { reader, begun, finish, given } = held();
  const images = new RequestImages<string>({ maxPixels: 9, isolate: true }, 2);
  const many = ["a1", "a2", "a3", "a4"].map((name) => images.share(name, reader, "a"));
  const [, second] = many;
  images.share("b1", reader, "b");
  await pass(0);
  expect(begun()).toEqual(["a1", "a2"]);
  await finish("a2");
  expect(begun()).toEqual(["a1", "a2"]);
  second?.release();
  await pass(0);
  expect(begun()).toEqual(["a1", "a2", "a3"]);
  many[0]?.release();
  await pass(0);
  expect(begun()).toEqual(["a1", "a2", "a3", "b1"]);
  expect(given[3]).toMatchObject({ maxPixels: 9, isolate: true, caller: "b" });
});

test("one that is not read soon lends its place, and one that is read has its own", async () => {
  const { reader, begun } = held();
  const images = new RequestImages<string>({}, 1);
  images.share("silent", reader, "a");
  images.share("next", reader, "b");
  await pass(249);
  expect(begun()).toEqual(["silent"]);
  await pass(1);
  expect(begun()).toEqual(["silent", "next"]);
});

test("a caller whose many images never come leaves places to the others, and has most of them alone", async () => {
  const { reader, begun } = held();
  const images = new RequestImages<string>({}, 2);
  for (let number = 0; number < 100; number++) images.share(`silent ${number}`, reader, "a");
  await pass(60_000);
  const before = begun().length;
  expect(before).toBe(48);
  images.share("next", reader, "b");
  await pass(0);
  expect(begun().slice(before)).toEqual(["next"]);
  // A few of this caller's own endless reads are started too.
  for (let number = 0; number < 20; number++) images.share(`slow ${number}`, reader, "b");
  await pass(60_000);
  expect(begun().slice(before)).toHaveLength(16);
});

test("within a bound of memory they are read one by one, as many as it allows", async () => {
  const { reader, begun, finish } = held(2);
  const images = new RequestImages<string>({}, 9);
  const shares = ["a", "b", "c"].map((name) => images.share(name, reader, ""));
  await pass(0);
  expect(begun()).toEqual(["a"]);
  await finish("a");
  expect(begun()).toEqual(["a", "b"]);
  await finish("b");
  expect(begun()).toEqual(["a", "b"]);
  shares[0]?.release();
  await pass(0);
  expect(begun()).toEqual(["a", "b", "c"]);
});

test("an image is expected for twice as long as images usually take after each other, and then no more", async () => {
  const { reader, finish } = held();
  const images = new RequestImages<string>({}, 4);
  expect(images.expected()).toBe(0);
  images.share("a", reader, "");
  images.share("silent", reader, "");
  await pass(10);
  await finish("a");
  // The recent average is now (50 + 10) / 2 ms.
  expect(images.expected()).toBe(60);
  await pass(61);
  expect(images.expected()).toBe(0);
});

test("two models read an image in their own ways", async () => {
  const [one, two] = [held(), held()];
  const images = new RequestImages<string>({}, 4);
  images.share("a", one.reader, "");
  images.share("a", two.reader, "");
  await pass(0);
  expect([one.begun(), two.begun()]).toEqual([["a"], ["a"]]);
  expect(images.read("a", one.reader)).not.toBe(images.read("a", two.reader));
});
