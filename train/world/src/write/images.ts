// Encodes images as files. PNG preserves the drawn pixels exactly.
import { createHash, type Hash } from "node:crypto";
import sharp from "sharp";
import type { Scene } from "../scene/graph.ts";
import type { Drawer, DrawnImage } from "../draw/draw.ts";

export const imageFormats = ["png", "jpeg"] as const;

export type ImageFormat = (typeof imageFormats)[number];

/** The image that a blind model sees instead of every image. */
export const blank = (side: number): DrawnImage => ({
  side,
  data: new Uint8Array(side * side * 3).fill(128),
});

/** @param format `jpeg` has quality 92, a quarter of the bytes, and slightly different pixels */
export function encoded({ side, data }: DrawnImage, format: ImageFormat): Promise<Buffer> {
  const image = sharp(data, { raw: { width: side, height: side, channels: 3 } });
  return format === "png"
    ? image.png({ compressionLevel: 4, adaptiveFiltering: true }).toBuffer()
    : image.jpeg({ quality: 92, chromaSubsampling: "4:4:4" }).toBuffer();
}

/** Draws and encodes images, and hashes their pixels. */
export class ImageMaker {
  readonly #drawer: Drawer | undefined;
  readonly #side: number;
  readonly #format: ImageFormat;
  readonly #sum: Hash = createHash("sha256");

  /** @param drawer undefined makes every image blank */
  constructor(drawer: Drawer | undefined, side: number, format: ImageFormat) {
    this.#drawer = drawer;
    this.#side = side;
    this.#format = format;
  }

  /** The files of some scenes, in order. */
  async files(scenes: readonly Scene[]): Promise<readonly Buffer[]> {
    const drawer = this.#drawer;
    const drawn = await Promise.all(
      scenes.map((scene) => drawer?.draw(scene) ?? Promise.resolve(blank(this.#side))),
    );
    for (const { data } of drawn) this.#sum.update(data);
    return Promise.all(drawn.map((image) => encoded(image, this.#format)));
  }

  /** The SHA-256 of all pixels so far, RGB, in the order of the rows. Call it only once. */
  sum(): string {
    return this.#sum.digest("hex");
  }
}
