// Images in decoder processes: the same pixels, the same errors, and a new process in place of a dead one.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fixture } from "../../../../test/support/goldens.ts";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import { resizeBicubic } from "../../../image/resize-bicubic.ts";
import { decodeImage } from "../decode-image.ts";
import { DecodeBudget } from "./decode-budget.ts";
import { DecoderPool } from "./decoder-pool.ts";

const options: DecodeOptions = { alpha: "drop", orientation: "upright", grey16: "clip" };
const size = { width: 32, height: 24, order: "10" } as const;
const image = (name: string) => fixture(`images/${name}`);

let folder = "";
/** 64 megapixels, which take half a second. */
let long: Uint8Array;
let pool: DecoderPool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-decoders-"));
  const create = { width: 8000, height: 8000, channels: 3, background: "red" } as const;
  long = await sharp({ create }).png({ compressionLevel: 1 }).toBuffer();
  pool = new DecoderPool(2, new DecodeBudget(1e9, 1));
});
afterAll(async () => {
  pool.close();
  await rm(folder, { recursive: true });
});

/** A pool of one process, and a signal that it has begun to decode. */
function watched() {
  let begun = (): void => undefined;
  const decoding = new Promise<void>((resolve) => (begun = resolve));
  const budget = {
    acquire: () => {
      setTimeout(begun, 20);
      return Promise.resolve(() => undefined);
    },
  };
  return { own: new DecoderPool(1, budget), decoding };
}

const decode = (name: string, more: Partial<DecodeOptions> = {}) =>
  pool.decode({ source: { name, path: image(name) }, options: { ...options, ...more } });
const decodeLong = (more: Partial<DecodeOptions> = {}) =>
  pool.decode({ source: { name: "long", bytes: long }, options: { ...options, size, ...more } });

describe("a process of its own", () => {
  test.each(["astronaut.jpg", "palette-trns.png", "transparent.gif", "alpha.webp", "exif-rotated.jpg"])(
    "decodes %s to the same pixels, and resizes them where they are",
    async (name) => {
      const here = await decodeImage(image(name), options);
      expect(await decode(name)).toEqual({ ...here, data: Uint8Array.from(here.data) });
      const small = await resizeBicubic(here, size.width, size.height, size.order);
      expect(await decode(name, { size })).toEqual({ ...small, data: Uint8Array.from(small.data) });
    },
  );

  test("says what is wrong with an image as this one does, by the name that the caller gave", async () => {
    for (const name of ["text.jpg", "truncated.jpg", "missing.jpg"]) {
      const here = (await decodeImage(image(name), options).catch((error: unknown) => error)) as Error;
      await expect(
        pool.decode({ source: { name: image(name), path: image(name) }, options }),
      ).rejects.toMatchObject({ name: here.name, message: here.message });
    }
  });

  test("passes on warnings", async () => {
    const codes: string[] = [];
    await decode("grey16.png", { onWarning: ({ code }) => void codes.push(code) });
    expect(codes).toEqual(["image/grey16-clipped"]);
  });

  test("is used again", async () => {
    await Promise.all(["rgba.png", "grey.png", "grey.jpg", "cmyk.jpg"].map((name) => decode(name)));
    const before = pool.processes;
    await Promise.all(["rgba.png", "grey.png", "grey.jpg", "cmyk.jpg"].map((name) => decode(name)));
    expect(pool.processes.sort()).toEqual(before.sort());
    expect(before).toHaveLength(2);
  });
});

describe("a decode that does not end", () => {
  test("in its time is ended, and the next image is decoded by a new process", async () => {
    await decode("grey.png");
    await expect(decodeLong({ timeout: 1 })).rejects.toMatchObject({ code: "image/too-slow" });
    expect(await decode("grey.png")).toMatchObject({ width: 21, height: 33 });
  });

  test("before its caller leaves is ended a moment later", async () => {
    const { own, decoding } = watched();
    const stop = new AbortController();
    const source = { name: "long", bytes: long };
    const call = own.decode({ source, options: { ...options, size, signal: stop.signal } });
    const failed = expect(call).rejects.toThrow("enough");
    await decoding;
    const [id = 0] = own.processes;
    stop.abort(new Error("enough"));
    await failed;
    expect(isAlive(id)).toBe(true);
    await vi.waitFor(() => expect(own.processes).not.toContain(id), 5000);
    await vi.waitFor(() => expect(isAlive(id)).toBe(false), 5000);
    own.close();
  });

  test("before it has begun is never begun", async () => {
    const stop = new AbortController();
    const calls = [1, 2, 3].map(() => decodeLong({ signal: stop.signal }));
    stop.abort(new Error("enough"));
    for (const call of calls) await expect(call).rejects.toThrow("enough");
  });
});

test("a process that dies fails its own image alone, and one that dies idle none", async () => {
  const { own, decoding } = watched();
  const call = own.decode({ source: { name: "long", bytes: long }, options: { ...options, size } });
  const failed = expect(call).rejects.toMatchObject({
    code: "image/decoder-ended",
    message: expect.stringContaining("SIGKILL") as string,
  });
  await decoding;
  own.processes.forEach((id) => process.kill(id, "SIGKILL"));
  await failed;
  const next = () => own.decode({ source: { name: "grey", path: image("grey.png") }, options });
  expect(await next()).toMatchObject({ width: 21 });
  own.processes.forEach((id) => process.kill(id, "SIGKILL"));
  expect(await next()).toMatchObject({ width: 21 });
  own.close();
});

test("what is isolated is bounded as for callers who are not trusted, files and bytes alike", async () => {
  const file = join(folder, "dense.webp");
  const bytes = Buffer.from("524946461a000000574542505650384c0e0000002ffeffa40a071011fd0f4444ff03", "hex");
  await writeFile(file, bytes);
  for (const input of [file, bytes])
    await expect(decodeImage(input, { ...options, isolate: true })).rejects.toMatchObject({
      code: "image/too-large",
    });
  const small = await readFile(image("rgba.png"));
  expect(await decodeImage(small, { ...options, isolate: true, size })).toMatchObject({
    width: 32,
    height: 24,
  });
});

/** Signal 0 tests whether the process exists. */
function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}
