// `npm run world -- make`: writes a split's data for a task. The same options give the same bytes.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { readSprites } from "../art/sprites.ts";
import type { Style } from "../art/packages.ts";
import { Drawer, type Variation } from "../draw/draw.ts";
import { patchNames } from "../draw/patches.ts";
import { readPanoramas } from "../draw/photo.ts";
import { outNotEmpty } from "../errors.ts";
import { sceneSource, type SceneSource } from "../scene/sample.ts";
import type { SplitName, WorldName } from "../scene/settings.ts";
import { colourNames } from "../words/colours.ts";
import { vocabularyOf } from "../words/concepts.ts";
import { ImageMaker, type ImageFormat } from "./images.ts";
import { Listed, Shards, type Output } from "./output.ts";
import { rowsOf, type Json, type Row, type RowOptions } from "./rows.ts";

export interface MakeOptions extends RowOptions {
  readonly world: WorldName;
  readonly split: SplitName;
  readonly seed: number;
  /** The image side S, in pixels. */
  readonly size: number;
  readonly out: string;
  readonly format: ImageFormat;
  /** `shards`: webdataset. `list`: a file of rows beside a folder of images. */
  readonly form: "shards" | "list";
  /** Makes every image the same grey. */
  readonly blind: boolean;
  /** The side of the patches in pixels, a divisor of `size`. The rows then contain the label of each patch. */
  readonly patches?: number | undefined;
  /** Varies the drawings of training scenes: shapes, outlines, and colours unless the task asks for them. Default: no. */
  readonly vary?: boolean;
  /** Default: the split's. */
  readonly styles?: readonly Style[] | undefined;
}

export interface MakeReport {
  /** The path for `blip train` or `blip eval`. */
  readonly path: string;
  readonly rows: number;
  readonly images: number;
  /** The SHA-256 of the rows' contents (`labels`), and of the images' pixels (`pixels`). */
  readonly labels: string;
  readonly pixels: string;
  readonly seconds: number;
}

/** The things that captions may name, in the form of `blip eval caption --things`. */
export const thingsFile = ({ world }: SceneSource): Json => vocabularyOf(world.concepts);

/** All answers to questions, in the form of `blip eval vqa --answers`. */
export function answersFile({ world }: SceneSource): readonly string[] {
  const places = [...world.places.painted, ...world.places.photo].map(({ name }) => name);
  return [
    ...new Set([
      ...world.concepts.map(({ name }) => name),
      ...colourNames,
      ...Array.from({ length: 7 }, (_, number) => String(number)),
      ...places,
      ...["yes", "no", "left", "right", "top", "bottom"],
    ]),
  ];
}

/** Adds the labels of the image's patches to the rows. Blind images get none. */
function* withPatches(
  rows: Iterable<Row>,
  drawer: Drawer | undefined,
  patch: number | undefined,
): Generator<Row> {
  for (const row of rows) {
    const [scene] = row.scenes;
    if (patch === undefined || drawer === undefined || scene === undefined || row.scenes.length > 1)
      yield row;
    else yield { ...row, record: { ...row.record, patches: drawer.patches(scene, patch) } };
  }
}

/** The number of rows drawn at a time. */
const batchRows = 32;

async function writeRows(
  rows: Iterable<Row>,
  maker: ImageMaker,
  output: Output,
): Promise<Pick<MakeReport, "rows" | "images" | "labels">> {
  const labels = createHash("sha256");
  let [count, images] = [0, 0];
  let known: { readonly scene: string; readonly files: readonly Buffer[] } | undefined;
  let batch: Row[] = [];
  const flush = async () => {
    // Rows of one scene are consecutive, so the scene is drawn once.
    const keys = batch.map(({ scenes }) => scenes.map(({ key }) => key).join(" "));
    const fresh = batch.filter((_, at) => keys[at] !== (at === 0 ? known?.scene : keys[at - 1]));
    const drawn = await maker.files(fresh.flatMap(({ scenes }) => scenes));
    images += drawn.length;
    let next = 0;
    for (const [at, { scenes, record }] of batch.entries()) {
      const scene = must(keys, at);
      if (known?.scene !== scene) known = { scene, files: drawn.slice(next, (next += scenes.length)) };
      labels.update(`${JSON.stringify(record)}\n`);
      await output.add({ scene, files: known.files, record });
      count++;
    }
    batch = [];
  };
  for (const row of rows) if (batch.push(row) === batchRows) await flush();
  await flush();
  return { rows: count, images, labels: labels.digest("hex") };
}

/** Questions ask for the drawings' own colours. */
const variationOf = ({ vary = false, task }: MakeOptions): Variation =>
  !vary ? "nothing" : task === "vqa" ? "shapes" : "all";

/**
 * Writes a split's data for a task into an empty folder.
 * @throws {WorldError} `world/out-not-empty` @throws {WorldError} `world/art-missing`
 */
export async function make(options: MakeOptions): Promise<MakeReport> {
  const { out, split, seed, size, task, format, blind } = options;
  if (existsSync(out) && readdirSync(out).length > 0) throw outNotEmpty(out);
  const from = performance.now();
  const source = sceneSource(options.world, split, seed, options.styles);
  const drawer = blind
    ? undefined
    : new Drawer(
        source.catalogue,
        readSprites(source.catalogue, source.styles),
        await readPanoramas(),
        size,
        variationOf(options),
      );
  const maker = new ImageMaker(drawer, size, format);
  const output: Output =
    options.form === "shards"
      ? new Shards(out, format, task === "pretrain" ? options.each : 1)
      : new Listed(out, task, split === "train", format);
  const { patches } = options;
  const written = await writeRows(withPatches(rowsOf(source, options), drawer, patches), maker, output);
  if (patches !== undefined) writeFileSync(join(out, "patch-names.json"), `${JSON.stringify(patchNames)}\n`);
  const path = await output.finish();
  writeFileSync(join(out, "things.json"), `${JSON.stringify(thingsFile(source))}\n`);
  writeFileSync(join(out, "answers.json"), `${JSON.stringify(answersFile(source))}\n`);
  const made = { ...written, pixels: maker.sum() };
  const { world, count, first, each, plain, form } = options;
  const asked = {
    world,
    split,
    task,
    count,
    first,
    each,
    plain,
    seed,
    size,
    format,
    form,
    blind,
    patches: patches ?? null,
    falseCaptions: options.falseCaptions,
    vary: options.vary ?? false,
    inOrder: options.inOrder ?? false,
    styles: source.styles,
  };
  writeFileSync(join(out, "world.json"), `${JSON.stringify({ ...asked, ...made }, undefined, 1)}\n`);
  return { ...made, path, seconds: (performance.now() - from) / 1000 };
}
