// Converted weights that two tabs make at once, that become unreadable, or whose making fails; the normal case in a
// browser is in test/web-weights.slow.test.ts.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeCaches, type FakeCaches } from "../../../test/support/fake-caches.ts";
import type { DerivedWeights } from "../../files.ts";
import { deriveWeights } from "./derived-weights.ts";
import { RemoteFile } from "./remote-file.ts";

const size = 2_500_000;
const content = (first: number) => new Uint8Array(size).fill(1).fill(first, 0, 1);

let caches: FakeCaches;
let etag: string;
let made: number;
let warned: string[];
beforeEach(() => {
  [caches, etag, made, warned] = [fakeCaches(), '"1"', 0, []];
  vi.stubGlobal("caches", caches);
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  vi.stubGlobal("fetch", () =>
    Promise.resolve(
      new Response(new Uint8Array(9), {
        status: 206,
        headers: { etag, "content-range": "bytes 0-8/9" },
      }),
    ),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Weights whose first byte identifies their source file. */
async function weights(more: Partial<DerivedWeights> = {}): Promise<DerivedWeights> {
  const source = await RemoteFile.find("http://files.example/model.safetensors", { cache: true });
  if (!source) throw new Error("there is no file");
  const converted = content(Number(source.etag.slice(1, -1)));
  return {
    sources: [source],
    type: "int8",
    recipe: "1",
    async *bytes() {
      made++;
      for (let at = 0; at < size; at += 400_000) {
        yield converted.slice(at, at + 400_000);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
    warn: ({ code }) => void warned.push(code),
    ...more,
  };
}
const whole = async (source: Awaited<ReturnType<typeof deriveWeights>>) =>
  Buffer.from(await source.read(0, source.size));
const derived = () => [...caches.kept.keys()].filter((name) => name.startsWith("blip-ts/derived"));

test("two tabs that convert at once have whole weights each, and so has the next one", async () => {
  const found = await Promise.all([1, 2].map(async () => deriveWeights(await weights(), false)));
  for (const one of found) expect((await whole(one)).equals(content(1))).toBe(true);
  expect(derived()).toHaveLength(1);
  expect((await whole(await deriveWeights(await weights(), false))).equals(content(1))).toBe(true);
  expect([made, warned]).toEqual([2, []]);
});

test("two tabs of which one has the file of before have the weights of their own files", async () => {
  const old = await weights();
  etag = '"2"';
  const now = await weights();
  const [before, after] = await Promise.all([deriveWeights(old, false), deriveWeights(now, false)]);
  expect((await whole(before)).equals(content(1))).toBe(true);
  expect((await whole(after)).equals(content(2))).toBe(true);
  expect((await whole(await deriveWeights(await weights(), false))).equals(content(2))).toBe(true);
});

test("a tab that fails does not take the weights of another away", async () => {
  const bytes = async function* () {
    yield content(1).slice(0, 1_500_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error("the conversion failed");
  };
  const [good, bad] = await Promise.allSettled([
    deriveWeights(await weights(), false),
    deriveWeights(await weights({ bytes }), false),
  ]);
  expect(bad).toMatchObject({ reason: { message: "the conversion failed" } });
  if (good.status === "rejected") throw good.reason;
  expect((await whole(good.value)).equals(content(1))).toBe(true);
});

test("what the browser cannot read any more is made again, and a failure of that is not for ever", async () => {
  const own = await weights();
  let fails = true;
  const kept = await deriveWeights(
    {
      ...own,
      async *bytes(all) {
        if (made > 0 && fails) throw new Error("no network");
        yield* own.bytes(all);
      },
    },
    false,
  );
  const [name = ""] = derived();
  const entries = caches.kept.get(name);
  const get = entries?.get.bind(entries);
  if (!entries || !get) throw new Error("nothing is kept");
  // The entry exists, but its bytes cannot be read.
  entries.get = (place) => {
    const found = get(place);
    if (place.includes("/1?")) throw new TypeError("Failed to fetch");
    return found;
  };
  await expect(kept.read(0, size)).rejects.toThrow("no network");
  fails = false;
  expect((await whole(kept)).equals(content(1))).toBe(true);
});
