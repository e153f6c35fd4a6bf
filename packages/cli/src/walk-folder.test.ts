import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blip } from "../test/run-blip.ts";
import { listImages } from "./list-images.ts";

let root = "";
const files = [
  "b.jpg",
  "sub/a.PNG",
  "sub/._a.PNG",
  ".hidden/c.jpg",
  ".thumb.jpg",
  "@eaDir/b.jpg/SYNOPHOTO_THUMB_M.jpg",
  "__MACOSX/b.jpg",
  "phone/1.HEIC",
  "phone/2.heif",
  "camera/x.CR2",
  "camera/x.xmp",
  "only-heic/3.heic",
];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-walk-"));
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), "");
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const nothing: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => [][Symbol.iterator]() as never };

describe("a folder", () => {
  test("gives its images without hidden files, AppleDouble, thumbnails and archives' remains", async () => {
    const said: string[] = [];
    const list = await listImages([root], nothing, { warn: (message) => said.push(message) });
    expect(list).toEqual(["b.jpg", "sub/a.PNG"].map((file) => join(root, file)));
    expect(said).toEqual([
      `1 RAW file and 3 HEIC files left out, as blip does not read them: ${join(root, "camera/x.CR2")} and others. Convert them to JPEG or PNG.`,
    ]);
  });

  test("that is named is walked, whatever its name; a hidden file that is named is taken", async () => {
    expect(await listImages([join(root, ".hidden")], nothing)).toEqual([join(root, ".hidden/c.jpg")]);
    expect(await listImages([join(root, ".thumb.jpg")], nothing)).toEqual([join(root, ".thumb.jpg")]);
  });

  test.runIf(process.platform === "linux")("names a file whose name is no UTF-8", async () => {
    const folder = join(root, "latin1");
    await mkdir(folder);
    await writeFile(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9), Buffer.from(".png")]), "");
    const { stdout } = await blip(["match", folder, "-t", "a dog", "--json", "--quiet"]);
    expect(stdout).toContain("its name has bytes that are no UTF-8: rename it");
  });

  test("of HEIC files alone is rejected with the reason", async () => {
    await expect(listImages([join(root, "only-heic")], nothing)).rejects.toThrow(
      /no image found in .*\. 1 HEIC file left out, as blip does not read them: .*3\.heic\. Convert/,
    );
  });
});
