// `blip caption IMAGE...`: describes images in words; `--pairs FILE`: one prompt per row.
import { Captioner, type Caption, type CaptionRow, type VerbOptions } from "blip-ts";
import type { Command } from "commander";
import { addImageOptions, listOptions, type ImageFlags } from "../common-options.ts";
import {
  addGenerationOptions,
  generationConfig,
  generationOptions,
  type GenerationFlags,
} from "../generation-options.ts";
import { listImages } from "../list-images.ts";
import {
  addPairsOptions,
  hasPairs,
  imagesOrPairs,
  needImages,
  printPairs,
  type PairForm,
  type PairsFlags,
} from "../pairs/index.ts";
import { percent, printRows } from "../print-rows.ts";
import { requestRows } from "../request-rows.ts";
import type { Terminal } from "../terminal.ts";

interface CaptionFlags extends ImageFlags, GenerationFlags, PairsFlags {
  readonly prompt?: string;
  readonly score?: boolean;
  readonly matchModel?: string;
}

const pairs: PairForm = {
  images: 1,
  text: { name: "prompt", columns: ["prompt"], needed: false },
  results: ["caption", "tokens", "logProbability", "match"],
};

async function run(inputs: readonly string[], flags: CaptionFlags, terminal: Terminal): Promise<number> {
  const { score, matchModel, prompt } = flags;
  const scored = score === true || matchModel !== undefined;
  const config = await generationConfig(flags);
  const verb = {
    suggestion: "Salesforce/blip-image-captioning-large",
    load: (source: string, options: VerbOptions) =>
      Captioner.fromPretrained(source, { ...options, score, matchModel, generationConfig: config }),
    head: ["image", "caption", ...(scored ? ["match"] : [])],
    numeric: scored ? 1 : 0,
  };
  const cells = (image: string, { caption, match }: Caption) => [
    image,
    caption,
    ...(scored ? [match == null ? "-" : percent(match)] : []),
  ];
  if (hasPairs(flags, { images: inputs }))
    return printPairs<Captioner, Caption>(terminal, flags, {
      ...verb,
      form: pairs,
      otherText: prompt,
      rows: (captioner, source, call) => captioner.rows(source, { ...generationOptions(flags), ...call }),
      cells: (images, _, caption) => cells(images.join(" "), caption),
    });
  needImages(inputs);
  const images = await listImages(inputs, terminal.stdin, listOptions(flags, terminal));
  return printRows<CaptionRow<string>, Captioner>(terminal, flags, {
    ...verb,
    rows: (captioner, call) => {
      const options = generationOptions(flags);
      // Check the call before reading any image.
      captioner.check({ prompt }, options);
      return requestRows(
        images,
        {
          models: { captioner },
          rowsOf: (batched, image, signal) =>
            batched.caption(image, { ...options, prompt, signal, whenFull: "wait" }),
        },
        call,
      );
    },
    lines: (row) => [cells(row.image, row)],
  });
}

export function addCaption(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("caption")
    .description("describe images in words")
    .argument(...imagesOrPairs)
    .option("--prompt <TEXT>", 'beginning of captions (default: "a picture of "; none with --compat hf)');
  addGenerationOptions(command)
    .option("--score", "how well each caption fits: the ITM probability of the model's own heads")
    .option(
      "--match-model <M>",
      "score with this matching model: a folder, a file or its URL, a suite, or a Hub id",
    );
  addPairsOptions(command, "{image} or {image, prompt}; --prompt is for rows without one");
  addImageOptions(command).action(async (images: string[], flags: CaptionFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
