// Draws a scene's pixels.
import sharp from "sharp";
import type { Catalogue } from "../art/catalogue.ts";
import type { SpriteSource } from "../art/sprites.ts";
import { missed } from "@blip-ts/base";
import { unknownName } from "../errors.ts";
import { Random } from "../random.ts";
import { reach } from "../scene/layout.ts";
import { leastContrast } from "../scene/compose.ts";
import type { Group, Scene, Thing } from "../scene/graph.ts";
import { colours, deltaE, type ColourName } from "../words/colours.ts";
import { Canvas, shadow } from "./canvas.ts";
import { lookOf, toned, type Look } from "./look.ts";
import { Mips, recoloured } from "./mips.ts";
import { paintPlace, paintPlain } from "./painted.ts";
import { drawnOrder, patchesOf } from "./patches.ts";
import { drawView, type Panoramas } from "./photo.ts";
import { drawEdge, drawSprite, stickerEdge } from "./sprite.ts";
import { augment, jpegQuality } from "./tones.ts";

/** A drawn RGB image. */
export interface DrawnImage {
  readonly side: number;
  /** [side, side, 3] */
  readonly data: Uint8Array;
}

/** What varies in training scenes' drawings: nothing, their shapes and outlines, or also their colours. */
export type Variation = "nothing" | "shapes" | "all";

/** A thing with its lengths in pixels. */
const poseOn = <T extends Thing>({ side }: Canvas, thing: T): T => ({
  ...thing,
  ...{ x: thing.x * side, y: thing.y * side, side: thing.side * side },
});

/** Draws scenes at one size. */
export class Drawer {
  readonly #catalogue: Catalogue;
  readonly #source: SpriteSource;
  readonly #panoramas: Panoramas;
  readonly #side: number;
  readonly #vary: Variation;
  readonly #mips = new Map<string, Mips>();

  /** @param side S, in pixels @param vary how training scenes' drawings vary; default: not at all */
  constructor(
    catalogue: Catalogue,
    source: SpriteSource,
    panoramas: Panoramas,
    side: number,
    vary: Variation = "nothing",
  ) {
    this.#catalogue = catalogue;
    this.#source = source;
    this.#panoramas = panoramas;
    this.#side = side;
    this.#vary = vary;
  }

  /** Draws the scene without JPEG compression. */
  canvas(scene: Scene): Canvas {
    const random = new Random(`${scene.key}/pixels`);
    const canvas = new Canvas(this.#side);
    this.#place(canvas, scene, random);
    const looks = this.#looks(scene);
    for (const { group, thing } of this.#order(scene)) this.#draw(canvas, group, thing, looks.get(group));
    if (scene.augmented) augment(canvas, random);
    return canvas;
  }

  /** Draws the scene as its split requires, including JPEG compression. */
  async draw(scene: Scene): Promise<DrawnImage> {
    const canvas = this.canvas(scene);
    const side = this.#side;
    const data = new Uint8Array(canvas.data.buffer);
    const quality = scene.augmented ? jpegQuality(new Random(`${scene.key}/jpeg`)) : undefined;
    if (quality === undefined) return { side, data };
    const raw = { width: side, height: side, channels: 3 } as const;
    const jpeg = await sharp(data, { raw }).jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer();
    return { side, data: new Uint8Array(await sharp(jpeg).raw().toBuffer()) };
  }

  /**
   * The label of each patch ({@link patchesOf}). @param patch side of a patch in pixels, a divisor of the image's side
   */
  patches(scene: Scene, patch: number): readonly (number | null)[] {
    const looks = this.#looks(scene);
    const things = this.#order(scene).map(({ group, thing }) => ({
      concept: group.concept.name,
      thing: { ...thing, shape: looks.get(group)?.shape },
    }));
    return patchesOf(things, this.#side / patch, (canvas, thing) => {
      drawSprite(canvas, this.#mipsOf(thing.sprite, undefined), poseOn(canvas, thing), [255, 255, 255]);
    });
  }

  /** How each group's drawings look; those of a group look the same. Empty if nothing varies. */
  #looks({ key, groups, augmented }: Scene): ReadonlyMap<Group, Look> {
    if (this.#vary === "nothing" || !augmented) return new Map();
    return new Map(
      groups.map((group, at) => {
        const colours = this.#vary === "all" && group.colour === undefined;
        return [group, lookOf(new Random(`${key}/look/${at}`), colours)];
      }),
    );
  }

  #order(scene: Scene) {
    return drawnOrder(scene, (thing) => this.#foot(thing));
  }

  #place(canvas: Canvas, { place, view, horizon = 0.5 }: Scene, random: Random): void {
    if (place.kind === "plain") paintPlain(canvas, place.colour, random);
    else if (view === undefined) paintPlace(canvas, place.view, horizon, random);
    else drawView(canvas, this.#panoramas.get(place.view) ?? missedView(place.view), view);
  }

  #foot({ sprite, side, angle }: Thing): number {
    return reach({ sprite: this.#catalogue.at(sprite), side, angle })[1];
  }

  #mipsOf(index: number, colour: ColourName | undefined): Mips {
    const key = `${index} ${colour ?? ""}`;
    const known = this.#mips.get(key);
    if (known) return known;
    const pixels = this.#source(this.#catalogue.at(index));
    const made = new Mips(colour === undefined ? pixels : recoloured(pixels, colour));
    this.#mips.set(key, made);
    return made;
  }

  #draw(canvas: Canvas, { colour }: Group, thing: Thing, look: Look | undefined): void {
    const side = this.#side;
    const sprite = this.#catalogue.at(thing.sprite);
    const mips = this.#mipsOf(thing.sprite, colour);
    const pose = poseOn(canvas, { ...thing, shape: look?.shape });
    const [across, down] = reach({ ...thing, sprite }).map((half) => half * side);
    if (across === undefined || down === undefined) return missed("half");
    if (thing.stands) shadow(canvas, pose.x, pose.y + down * 0.94, across * 0.85, Math.max(2, across * 0.2));
    const behind = canvas.mean(pose.x - across, pose.y - down, 2 * across, 2 * down);
    const change = look?.tone && toned(look.tone);
    const drawn = colour === undefined ? sprite.colour : colours[colour];
    const own = change === undefined ? drawn : change(...drawn);
    const wide = Math.max(1, side / 64);
    if (thing.edge || deltaE(own, behind) < leastContrast) drawEdge(canvas, mips, pose, wide, stickerEdge);
    else if (look?.outline !== undefined) drawEdge(canvas, mips, pose, wide / 2, look.outline);
    drawSprite(canvas, mips, pose, change);
  }
}

function missedView(view: string): never {
  throw unknownName("panorama", view);
}
