// Images as files: PNG, so that the pixels that are read are the pixels that were drawn.
import { createHash, type Hash } from "node:crypto";
import sharp from "sharp";
import type { Scene } from "../scene/graph.ts";
import type { Drawer, DrawnImage } from "../draw/draw.ts";

export const imageFormats = ["png", "jpeg"] as const;

export type ImageFormat = (typeof imageFormats)[number];

/** What a blind model sees instead of every image. */
export const blank = (side: number): DrawnImage => ({
  side,
  data: new Uint8Array(side * side * 3).fill(128),
});

/** @param format `jpeg`: quality 92, a quarter of the bytes, not quite the same pixels */
export function encoded({ side, data }: DrawnImage, format: ImageFormat): Promise<Buffer> {
  const image = sharp(data, { raw: { width: side, height: side, channels: 3 } });
  return format === "png"
    ? image.png({ compressionLevel: 4, adaptiveFiltering: true }).toBuffer()
    : image.jpeg({ quality: 92, chromaSubsampling: "4:4:4" }).toBuffer();
}

/** Draws and encodes, and sums up the pixels. */
export class ImageMaker {
  readonly #drawer: Drawer | undefined;
  readonly #side: number;
  readonly #format: ImageFormat;
  readonly #sum: Hash = createHash("sha256");

  /** @param drawer undefined: every image is blank */
  constructor(drawer: Drawer | undefined, side: number, format: ImageFormat) {
    this.#drawer = drawer;
    this.#side = side;
    this.#format = format;
  }

  /** The files of some scenes, in their order. */
  async files(scenes: readonly Scene[]): Promise<readonly Buffer[]> {
    const drawer = this.#drawer;
    const drawn = await Promise.all(
      scenes.map((scene) => drawer?.draw(scene) ?? Promise.resolve(blank(this.#side))),
    );
    for (const { data } of drawn) this.#sum.update(data);
    return Promise.all(drawn.map((image) => encoded(image, this.#format)));
  }

  /** SHA-256 of all pixels so far, RGB, in the order of the rows. To be asked for once. */
  sum(): string {
    return this.#sum.digest("hex");
  }
}
