// `npm run world -- ...` and `npm run world:art`: fetches the art, and writes data, the sheet and the vocabulary.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { artFolder, fetchPackage } from "./art/fetch.ts";
import { artPackages, trainingStyles, type Style } from "./art/packages.ts";
import { drawArt, readSprites } from "./art/sprites.ts";
import { addBootstrap } from "./bootstrap/command.ts";
import { Drawer } from "./draw/draw.ts";
import { readPanoramas } from "./draw/photo.ts";
import { badOption, WorldError } from "./errors.ts";
import { addExamples } from "./examples.ts";
import { halveModel } from "./halve.ts";
import { addCard, addJudge } from "./judge/command.ts";
import { sceneSource } from "./scene/sample.ts";
import { splitNames, worldNames, type SplitName, type WorldName } from "./scene/settings.ts";
import { captionCells, documentCells, statementCells, webCells, writeSheet } from "./sheet.ts";
import { writeStem } from "./stem.ts";
import { addPositionsCommand } from "./positions.ts";
import { addSuite } from "./suite.ts";
import { longWords, vocabulary } from "./vocabulary.ts";
import { someOf } from "./work/within.ts";
import { imageFormats, type ImageFormat } from "./write/images.ts";
import { make } from "./write/make.ts";
import { taskNames, type TaskName } from "./write/rows.ts";

const say = (line: string) => void process.stderr.write(`${line}\n`);

const whole =
  (name: string, least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw badOption(name, `a whole number of at least ${least}`, text);
  };

const number = (flag: string, about: string, least: number, value: number) =>
  new Option(`--${flag} <N>`, about).argParser(whole(`--${flag}`, least)).default(value);

/** In the world's own order, so that the same styles give the same data. */
function trainingStylesNamed(text: string): readonly Style[] {
  const named = someOf("--styles", trainingStyles)(text);
  return trainingStyles.filter((style) => named.includes(style));
}

const worldOption = () => new Option("--world <NAME>", "the world").choices(worldNames).default("full");
const splitOption = () =>
  new Option("--split <NAME>", "the split of the world").choices(splitNames).default("train");

async function art({ catalogue = false }: { readonly catalogue?: boolean }): Promise<void> {
  mkdirSync(artFolder, { recursive: true });
  for (const wanted of artPackages) {
    const fetched = await fetchPackage(wanted);
    say(`${wanted.name} ${wanted.version} (${wanted.licence}): ${fetched ? "fetched" : "present"}`);
  }
  await drawArt(catalogue, say);
}

interface MakeFlags {
  readonly world: WorldName;
  readonly split: SplitName;
  readonly task: TaskName;
  readonly count: number;
  readonly first: number;
  readonly each?: number;
  readonly size?: number;
  readonly seed: number;
  readonly out: string;
  readonly form?: "shards" | "list";
  readonly image: ImageFormat;
  readonly plain?: boolean;
  readonly blind?: boolean;
  readonly patches?: number;
  readonly falseCaptions: number;
  readonly vary?: boolean;
  readonly inOrder?: boolean;
  readonly styles?: readonly Style[];
}

/** The default number of captions or questions per scene. */
const eachOf: Readonly<Record<TaskName, number>> = {
  ...{ caption: 5, retrieval: 5, match: 2, vqa: 3, nlvr: 1, web: 1, pretrain: 4 },
};

/** Options that only training data may have, because the tests are the same for every model. */
const trainingFlags = [
  ["vary", "--vary"],
  ["inOrder", "--in-order"],
  ["styles", "--styles"],
] as const;

const captionTasks: readonly TaskName[] = ["caption", "retrieval", "match", "pretrain"];

type CaptionFlags = Pick<MakeFlags, "task" | "plain" | "inOrder" | "falseCaptions">;

/** Refuses options that would change nothing. */
function checkCaptionFlags({ task, plain, inOrder, falseCaptions }: CaptionFlags): void {
  const flag = inOrder === true ? "--in-order" : falseCaptions > 0 ? "--false-captions" : undefined;
  if (flag !== undefined && !captionTasks.includes(task))
    throw badOption(flag, `a task with captions (${captionTasks.join(", ")})`, task);
  if (inOrder === true && plain === true)
    throw badOption("--in-order", "no --plain, because the plain sentence has its own order", "both");
}

async function makeData({ image, form, each, size, plain = false, blind = false, ...flags }: MakeFlags) {
  const side = size ?? (flags.world === "small" ? 64 : 128);
  const { patches } = flags;
  checkCaptionFlags({ ...flags, plain });
  if (patches !== undefined && side % patches !== 0)
    throw badOption("--patches", `a divisor of the image's side, ${side}`, String(patches));
  for (const [name, flag] of trainingFlags)
    if (flags[name] !== undefined && flags.split !== "train")
      throw badOption(flag, "the split train, because the tests are the same for every model", flags.split);
  const report = await make({
    ...flags,
    ...{ plain, blind, format: image, each: each ?? eachOf[flags.task] },
    size: side,
    form: form ?? (flags.split === "train" ? "shards" : "list"),
  });
  say(
    `${report.rows} rows, ${report.images} images in ${report.seconds.toFixed(1)} s ` +
      `(${(report.images / report.seconds).toFixed(0)} images/s)`,
  );
  process.stdout.write(`${report.path}\n`);
}

interface SheetFlags {
  readonly world: WorldName;
  readonly split: SplitName;
  readonly kind: "document" | "captions" | "web" | "statements";
  readonly first: number;
  readonly count: number;
  readonly out: string;
}

async function sheet({ world, split, kind, first, count, out }: SheetFlags): Promise<void> {
  const source = () => sceneSource(world, split, 1);
  const cells = {
    document: documentCells,
    captions: () => captionCells(source(), count, first),
    web: () => webCells(source(), count, first),
    statements: () => statementCells(source(), count, first),
  };
  await writeSheet(cells[kind](), 8, out);
}

function vocab({ out }: { readonly out: string }): void {
  const rows = vocabulary();
  writeFileSync(out, `${rows.join("\n")}\n`);
  say(`${rows.length} rows`);
  for (const [word, ...pieces] of longWords(rows)) say(`more than two pieces: ${word} (${pieces.join(" ")})`);
}

/** Measures scenes per second of processor time, for drawing alone. */
async function speed({
  world,
  count,
  size,
}: {
  readonly world: WorldName;
  readonly count: number;
  readonly size: number;
}) {
  const source = sceneSource(world, "train", 2);
  const drawer = new Drawer(
    source.catalogue,
    readSprites(source.catalogue, source.styles),
    await readPanoramas(),
    size,
  );
  const timed = (work: () => void) => {
    const from = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(from);
    return (count / (user + system)) * 1e6;
  };
  const scenes = Array.from({ length: count }, (_, at) => source.scene(at));
  const graphs = timed(() => scenes.forEach((_, at) => source.scene(at)));
  scenes.slice(0, 200).forEach((scene) => drawer.canvas(scene));
  const pixels = timed(() => scenes.forEach((scene) => drawer.canvas(scene)));
  say(
    `${graphs.toFixed(0)} graphs/s, ${pixels.toFixed(0)} images/s of ${size} pixels, per second of processor time`,
  );
}

interface StemFlags {
  readonly size: number;
  readonly patch: number;
  readonly width: number;
  readonly imageLayers: number;
  readonly textLayers: number;
  readonly projection: number;
  readonly out: string;
}

function stem({ size, out, ...sizes }: StemFlags): void {
  const weights = writeStem({ ...sizes, imageSize: size }, out);
  say(`${out}: ${(weights / 1e6).toFixed(2)} million distinct weights in pre-training`);
}

async function halve(model: string, out: string): Promise<void> {
  say(`${out}: ${((await halveModel(model, out)) / 1e6).toFixed(1)} MB`);
}

const vocabPath = fileURLToPath(new URL("../vocab.txt", import.meta.url));

const program = new Command("world").description(
  "The picture-book world: composed scenes, to train and test small models",
);
program
  .command("art")
  .description(
    "fetch the art (about 36 MB from the npm registry) and draw its sprites; needs no network if the art is present",
  )
  .option("--catalogue", "rewrite data/sprites.json")
  .action(art);
program
  .command("make")
  .description("write data that `blip train` and `blip eval` read")
  .addOption(worldOption())
  .addOption(splitOption())
  .addOption(new Option("--task <NAME>", "the task of the data").choices(taskNames).makeOptionMandatory())
  .addOption(number("count", "scenes, or statements", 1, 1000))
  .addOption(number("first", "number of the first scene", 0, 0))
  .addOption(
    new Option("--each <N>", "captions, questions or false captions per scene").argParser(whole("--each", 1)),
  )
  .addOption(
    new Option("--size <PIXELS>", "side of the images (default: 128, small 64)").argParser(
      whole("--size", 16),
    ),
  )
  .addOption(number("seed", "seed of all random draws", 0, 1))
  .requiredOption("--out <DIR>", "an empty or new folder")
  .addOption(
    new Option("--form <FORM>", "default: shards for train, otherwise a list").choices(["shards", "list"]),
  )
  .addOption(new Option("--image <FORMAT>", "png preserves each pixel").choices(imageFormats).default("png"))
  .option("--plain", "one plain sentence per scene: all things, their clear relation, the place")
  .option("--blind", "every image is the same grey, for the score of a blind model")
  .addOption(
    new Option("--patches <PIXELS>", "label each patch of this side, for the loss patch-names").argParser(
      whole("--patches", 4),
    ),
  )
  .addOption(
    number(
      "false-captions",
      "captions per scene that are false by one edit, for `blip train --false-captions`",
      0,
      0,
    ),
  )
  .option("--vary", "vary the drawings: their shapes, outlines and colours (with vqa, not the colours)")
  .option("--in-order", "most captions mention things from left to right, or from top to bottom")
  .addOption(
    new Option("--styles <NAMES>", "styles to draw in, separated by commas (default: all seven)").argParser(
      trainingStylesNamed,
    ),
  )
  .action(makeData);
program
  .command("sheet")
  .description("write a contact sheet")
  .addOption(worldOption())
  .addOption(splitOption())
  .addOption(
    new Option("--kind <KIND>", "contents of the sheet")
      .choices(["document", "captions", "web", "statements"])
      .default("document"),
  )
  .addOption(number("first", "number of the first scene", 0, 0))
  .addOption(number("count", "scenes, or statements", 1, 40))
  .requiredOption("--out <FILE>", "a .jpg or .png file")
  .action(sheet);
program
  .command("vocab")
  .description("write the vocabulary")
  .option("--out <FILE>", "the file", vocabPath)
  .action(vocab);
program
  .command("stem")
  .description("write a starting model of given sizes for `blip train --init`, with zero weights")
  .addOption(number("size", "side of the images", 16, 128))
  .addOption(number("patch", "side of a patch", 4, 16))
  .addOption(number("width", "width of all states, a multiple of 32", 32, 192))
  .addOption(number("image-layers", "layers of the image encoder", 1, 6))
  .addOption(number("text-layers", "layers of text encoder and decoder", 1, 3))
  .addOption(number("projection", "width of the joint embedding", 8, 128))
  .requiredOption("--out <DIR>", "the folder")
  .action(stem);
program
  .command("halve")
  .description("copy a model with its weights in half precision, to keep it between stages of training")
  .argument("<model>", "a folder")
  .argument("<out>", "a folder")
  .action(halve);
program
  .command("speed")
  .description("measure scenes per second")
  .addOption(worldOption())
  .addOption(number("count", "scenes", 1, 1000))
  .addOption(number("size", "side of the images", 16, 128))
  .action(speed);
addBootstrap(program);
addJudge(program);
addCard(program);
addExamples(program);
addPositionsCommand(program);
addSuite(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof WorldError)) throw error;
  say(`world: ${error.message}`);
  process.exitCode = 2;
}
