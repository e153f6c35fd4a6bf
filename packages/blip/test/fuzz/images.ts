// Targets: images of each format, by the decoders of a program (here and in a process of its own) and by those of a page.
// Files are sound ones whose parts are changed, some damaged as bytes besides; a page's JPEG, WebP, AVIF and TIFF end
// where its browser would decode, for which Node has nothing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { serverMaxPixels } from "../../src/image/image-bounds.ts";
import type { DecodeOptions } from "../../src/image/decode-options.ts";
import type { RgbImage } from "../../src/image/raw-image.ts";
import { sniff, sniffLength, type ImageFormat } from "../../src/image/sniff.ts";
import { decodeImage } from "../../src/platform/node/decode-image.ts";
import { decodeFile } from "../../src/platform/web/decode-file.ts";
import { fuzzTarget } from "./harness.ts";
import { type PartEdit, withEdits } from "./image-parts.ts";
import { damagedBytes } from "./inputs.ts";

const formats = ["jpeg", "png", "webp", "gif", "avif", "tiff"] as const;
const folder = new URL("../../../../fixtures/images/", import.meta.url).pathname;
const maxFileBytes = 7_000;

/** Small files of all kinds that the other tests have. */
export const imageFiles: readonly { readonly format: ImageFormat; readonly bytes: Uint8Array }[] =
  readdirSync(folder, {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    .filter((bytes) => bytes.length <= maxFileBytes)
    .flatMap((bytes) => {
      const { kind, ...sniffed } = sniff(bytes.subarray(0, sniffLength));
      return kind === "image" && "format" in sniffed ? [{ format: sniffed.format, bytes }] : [];
    });

const edge = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 8, 16, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 16_383, 2 ** 20, 2 ** 26),
  fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff),
  fc.nat(300),
);

const partEdit: fc.Arbitrary<PartEdit> = fc.record({
  part: fc.nat(40),
  kind: fc.constantFrom(
    ...(["number", "number", "number", "number", "number", "drop", "double", "many"] as const),
    ...(["swap", "cut", "rename", "lie"] as const),
  ),
  at: fc.oneof(fc.nat(16), fc.nat(2_000)),
  width: fc.constantFrom(1 as const, 2 as const, 4 as const),
  little: fc.boolean(),
  value: edge,
});

/** What stands before a file whose first bytes are another's. */
const otherHeads = [
  "<svg ",
  "<!--ftypavif--><svg",
  "%PDF-1.7\n",
  "\0\0\0\x1cftypavif",
  "BM",
  "P6 9 9 9 ",
].map((text) => Buffer.from(text, "latin1"));
const head = fc.oneof(
  { weight: 30, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(...otherHeads) },
);

const fileOf = (format: ImageFormat) =>
  fc
    .tuple(
      fc.constantFrom(...imageFiles.filter((file) => file.format === format).map(({ bytes }) => bytes)),
      fc.array(partEdit, { maxLength: 4 }),
      fc.oneof(
        { weight: 3, arbitrary: fc.constant((bytes: Uint8Array) => bytes) },
        { weight: 1, arbitrary: damagedBytes },
      ),
      head,
    )
    .map(([bytes, edits, damage, first]) => {
      const damaged = damage(withEdits(format, bytes, edits));
      if (first) return Buffer.concat([first, damaged.subarray(first.length)]);
      return damaged;
    });

const choices = fc.record({
  alpha: fc.constantFrom("white" as const, "drop" as const),
  orientation: fc.constantFrom("stored" as const, "upright" as const),
  grey16: fc.constantFrom("clip" as const, "scale" as const),
});

function checkPixels({ data, width, height }: RgbImage): string {
  if (data.length !== 3 * width * height) throw new Error(`${data.length} bytes of ${width} x ${height}`);
  return "read";
}

const onWarning = () => undefined;
/** Pixels of an image that is decoded here: so many that its time is within the bound of a case. */
const pixelsHere = 2 ** 22;
/** Milliseconds after which an image's process is ended: its stated limit. */
const timeout = 5_000;

/** In this process, or one time in four in one of its own, under a server's limits. */
const imageTarget = (format: ImageFormat, cases: number) =>
  fuzzTarget({
    ...{ name: format, cases, megabytes: 500 },
    inputs: fc.record({
      bytes: fileOf(format),
      options: choices,
      isolate: fc.constantFrom(false, false, false, true),
    }),
    async use({ bytes, options, isolate }) {
      const more: Partial<DecodeOptions> = isolate
        ? { isolate, timeout, maxPixels: serverMaxPixels, size: { width: 24, height: 24, order: "13" } }
        : { maxPixels: pixelsHere };
      return checkPixels(await decodeImage(bytes, { ...options, onWarning, ...more }));
    },
  });

const pageTarget = (name: string, of: readonly ImageFormat[], cases: number) =>
  fuzzTarget({
    ...{ name, cases, megabytes: 400 },
    inputs: fc.record({ bytes: fc.oneof(...of.map(fileOf)), options: choices }),
    use: async ({ bytes, options }) =>
      checkPixels(
        await decodeFile(
          { name: "fuzzed", bytes: Uint8Array.from(bytes) },
          { ...options, onWarning, maxPixels: pixelsHere },
        ),
      ),
  });

export const imageTargets = [
  ...formats.map((format) => imageTarget(format, 600)),
  pageTarget("page-pixels", ["png", "gif"], 2_000),
  pageTarget("page-headers", ["jpeg", "webp", "avif", "tiff"], 2_000),
];
