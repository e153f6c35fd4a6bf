// Images that a page fetches while the network or the server fails; decoded pixels are compared in
// test/web-pictures.slow.test.ts.
import { readFile } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { InputError } from "@blip-ts/base";
import { orientationOf } from "../../image/exif-orientation.ts";
import { decodeImage } from "./decode-image.ts";

beforeEach(() => {
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  vi.stubGlobal("location", { origin: "http://page.example" });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const options = { alpha: "white", orientation: "stored", grey16: "clip" } as const;
const answer = (body: ReadableStream<Uint8Array<ArrayBuffer>>) => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body)));
};

test("an image whose connection breaks off fails alone, and is named", async () => {
  answer(new ReadableStream({ start: (body) => body.error(new TypeError("network error")) }));
  const failure = decodeImage("a.png", options);
  await expect(failure).rejects.toBeInstanceOf(InputError);
  await expect(failure).rejects.toMatchObject({
    code: "image/unreachable",
    message: expect.stringMatching(/^http:\/\/page\.example\/a\.png: .*network error/) as string,
  });
});

test("who stops it hears of that, and of no broken connection", async () => {
  const stop = new AbortController();
  answer(
    new ReadableStream({
      pull(body) {
        stop.abort(new Error("enough"));
        body.error(stop.signal.reason);
      },
    }),
  );
  await expect(decodeImage("a.png", { ...options, signal: stop.signal })).rejects.toThrow("enough");
});

test("an image that is too large is rejected before it is whole, also where its length is not said", async () => {
  let sent = 0;
  const part = new Uint8Array(1 << 20);
  answer(
    new ReadableStream({
      pull(body) {
        sent += part.length;
        if (sent > 300 * part.length) body.close();
        else body.enqueue(part);
      },
    }),
  );
  await expect(decodeImage("a.png", options)).rejects.toMatchObject({ code: "image/too-large" });
  expect(sent).toBeLessThan(260 * part.length);
});

test("a file that was moved since it was chosen fails alone", async () => {
  class Moved extends Blob {
    override arrayBuffer = () => Promise.reject(new DOMException("gone", "NotReadableError"));
  }
  const failure = decodeImage(new Moved(["a"]), options);
  await expect(failure).rejects.toBeInstanceOf(InputError);
  await expect(failure).rejects.toMatchObject({ code: "image/unreachable" });
});

test.each(["odd-444.jpg", "lossy.webp", "lossy.avif", "plain.tiff"])(
  "%s that declares too many pixels is refused before the browser takes memory for them",
  async (file) => {
    const decode = vi.fn(() => Promise.reject(new Error("decoded")));
    vi.stubGlobal("createImageBitmap", decode);
    const bytes = await readFile(fixture(`images/${file}`));
    const small = decodeImage(new Blob([bytes]), { ...options, maxPixels: 53 * 37 - 1 });
    await expect(small).rejects.toMatchObject({ code: "image/too-large" });
    await expect(small).rejects.toThrow(/maxPixels/);
    expect(decode).not.toHaveBeenCalled();
    await expect(decodeImage(new Blob([bytes]), { ...options, maxPixels: 53 * 37 })).rejects.toThrow();
    expect(decode).toHaveBeenCalledTimes(1);
  },
);

test.each(["rgba.png", "animated.gif"])("%s is held to the same limit", async (file) => {
  const bytes = await readFile(fixture(`images/${file}`));
  await expect(decodeImage(bytes, { ...options, maxPixels: 1 })).rejects.toMatchObject({
    code: "image/too-large",
  });
});

test("what does not say how large it is never reaches the browser's decoder", async () => {
  const decode = vi.fn(() => Promise.reject(new Error("decoded")));
  vi.stubGlobal("createImageBitmap", decode);
  const bytes = Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2);
  await expect(decodeImage(new Blob([bytes]), options)).rejects.toMatchObject({ code: "image/truncated" });
  expect(decode).not.toHaveBeenCalled();
});

test("what is damaged, larger than a browser's canvas, or without a decoder there, is told apart", async () => {
  vi.stubGlobal("createImageBitmap", () => Promise.reject(new DOMException("no", "InvalidStateError")));
  const jpeg = async (width: number) =>
    decodeImage(
      await sharp({ create: { width, height: 8, channels: 3, background: "red" } })
        .jpeg()
        .toBuffer(),
      options,
    );
  await expect(jpeg(100)).rejects.toMatchObject({ code: "image/truncated" });
  await expect(jpeg(20_000)).rejects.toMatchObject({
    code: "image/unsupported",
    message: expect.stringContaining("20000 x 8 pixels, more than this browser decodes") as string,
  });
  const tiff = await readFile(fixture("images/plain.tiff"));
  await expect(decodeImage(tiff, options)).rejects.toMatchObject({ code: "image/unsupported" });
  const zstd = await readFile(fixture("images/kinds/tiff-zstd.tif"));
  await expect(decodeImage(zstd, options)).rejects.toThrow(/compressed with Zstandard/);
});

test("the browser is shown no EXIF: the file is turned here", async () => {
  const shown: Uint8Array[] = [];
  vi.stubGlobal("createImageBitmap", async (blob: Blob) => {
    shown.push(new Uint8Array(await blob.arrayBuffer()));
    throw new DOMException("no", "InvalidStateError");
  });
  for (const [file, format] of [
    ["webp-o6.webp", "webp"],
    ["jpeg-o6.jpg", "jpeg"],
  ] as const) {
    const bytes = await readFile(fixture(`images/kinds/${file}`));
    expect(await orientationOf(format, bytes)).toBe(6);
    await expect(decodeImage(bytes, options)).rejects.toMatchObject({ code: "image/truncated" });
    const stripped = shown.pop() ?? new Uint8Array();
    expect(stripped.length).toBeLessThan(bytes.length);
    expect(await orientationOf(format, stripped)).toBe(1);
    // The image is still the same.
    const [same, own] = await Promise.all([stripped, bytes].map((one) => sharp(one).raw().toBuffer()));
    expect(same?.equals(own ?? Buffer.alloc(0))).toBe(true);
    expect(await sharp(stripped).metadata()).toMatchObject({ format, width: 21, height: 13 });
  }
});

test("the browser is shown the alpha of lossless WebP, even if the file denies it", async () => {
  const shown: Uint8Array[] = [];
  vi.stubGlobal("createImageBitmap", async (blob: Blob) => {
    shown.push(new Uint8Array(await blob.arrayBuffer()));
    throw new DOMException("no", "InvalidStateError");
  });
  for (const [name, flags] of [
    ["webp-alpha-denied.webp", 0x10],
    ["webp-denied-lossy.webp", 0],
  ] as const) {
    const bytes = await readFile(fixture(`images/kinds/${name}`));
    expect(bytes[20], name).toBe(0);
    await expect(decodeImage(bytes, options)).rejects.toMatchObject({ code: "image/truncated" });
    const same = shown.pop() ?? new Uint8Array();
    expect(same[20], name).toBe(flags);
    expect(bytes[20], "the caller's bytes").toBe(0);
    same[20] = 0;
    expect(bytes.equals(same), name).toBe(true);
  }
});

test("a large image is decoded in a worker, in the size that is wanted, and on the page's thread without one", async () => {
  const bytes = await sharp({ create: { width: 4000, height: 2200, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const size = { width: 8, height: 4, order: "10" } as const;
  const image = { data: new Uint8Array(96), ...size };
  const posted: { options: object }[] = [];
  const ended = vi.fn();
  class Decoding extends EventTarget {
    postMessage(request: { options: object }) {
      posted.push(request);
      setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data: { kind: "done", image } })), 0);
    }
    terminate = ended;
  }
  vi.stubGlobal("Worker", Decoding);
  expect(await decodeImage(bytes, { ...options, size })).toEqual(image);
  expect(posted[0]?.options).toMatchObject({ alpha: options.alpha, size });
  expect(ended).toHaveBeenCalledTimes(1);
  class Missing extends EventTarget {
    postMessage() {
      setTimeout(() => this.dispatchEvent(new Event("error")), 0);
    }
    terminate = ended;
  }
  vi.stubGlobal("Worker", Missing);
  expect(await decodeImage(bytes, { ...options, size })).toMatchObject({ width: 4000, height: 2200 });
  // Small images, and images without a requested size, need no worker.
  vi.stubGlobal("Worker", undefined);
  expect(await decodeImage(bytes, options)).toMatchObject({ width: 4000 });
});

test("a data: URL is read without a request, which a page's policy may forbid", async () => {
  const asked = vi.fn();
  vi.stubGlobal("fetch", asked);
  const bytes = await readFile(fixture("../examples/scenes/01.png"));
  const url = `data:image/png;base64,${bytes.toString("base64")}`;
  const expected = await decodeImage(new Uint8Array(bytes), options);
  expect(await decodeImage(url, options)).toEqual(expected);
  expect(await decodeImage(new URL(url), options)).toEqual(expected);
  await expect(decodeImage("data:image/png;base64,?", options)).rejects.toMatchObject({
    code: "image/bad-data-url",
  });
  expect(asked).not.toHaveBeenCalled();
});

test("a PNG is turned by ImageMagick's profile of its EXIF, as in Node", async () => {
  const [plain, turned] = await Promise.all(
    ["png-type2-8.png", "png-o6.png"].map((file) => readFile(fixture(`images/kinds/${file}`))),
  );
  if (!plain || !turned) throw new Error("no fixtures");
  const digits = "49492a000800000001001201030001000000" + "0600000000000000";
  const text = Buffer.concat([
    Buffer.from("Raw profile type exif\0\0"),
    deflateSync(`\nexif\n      26\n${digits}\n`),
  ]);
  const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from("zTXt"), text, Buffer.alloc(4)]);
  chunk.writeUInt32BE(text.length);
  const bytes = Buffer.concat([plain.subarray(0, 33), chunk, plain.subarray(33)]);
  const upright = { ...options, orientation: "upright" } as const;
  expect(await decodeImage(new Uint8Array(bytes), upright)).toEqual(
    await decodeImage(new Uint8Array(turned), upright),
  );
});

test("an opaque animation has no transparent part, whatever the browser's canvas says of it", async () => {
  // A browser that leaves the part around the first frame transparent.
  vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 2, height: 1, close: () => undefined }));
  const data = Uint8ClampedArray.of(0, 0, 0, 0, 255, 0, 0, 255);
  vi.stubGlobal(
    "OffscreenCanvas",
    class {
      getContext = () => ({ drawImage: () => undefined, getImageData: () => ({ data }) });
    },
  );
  const webp = (flags: number) =>
    Uint8Array.from([
      ...Buffer.from("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0"),
      ...[flags, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    ]);
  const decoded = async (flags: number, alpha: "white" | "drop") => {
    const warnings: string[] = [];
    const onWarning = ({ code }: { code: string }) => void warnings.push(code);
    const image = await decodeImage(webp(flags), { ...options, alpha, onWarning });
    return [[...image.data.subarray(0, 3)], warnings];
  };
  expect(await decoded(0x02, "white")).toEqual([[0, 0, 0], []]);
  expect(await decoded(0x02, "drop")).toEqual([[0, 0, 0], []]);
  expect(await decoded(0x12, "white")).toEqual([[255, 255, 255], []]);
  expect(await decoded(0x12, "drop")).toEqual([[0, 0, 0], ["image/hidden-colours-lost"]]);
});
