// `blip match IMAGE... -t TEXT...`: matches every image with every text; `--pairs FILE`: one pair per row.
import { Matcher, type MatchRow, type MatchScores, type VerbOptions } from "blip-ts";
import type { Command } from "commander";
import { addImageOptions, listOptions, type ImageFlags } from "../common-options.ts";
import { listImages } from "../list-images.ts";
import { addTextOptions, listTexts, withTextNames, type TextFlags } from "../list-texts.ts";
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
import type { Terminal } from "../terminal.ts";

type MatchFlags = ImageFlags & TextFlags & PairsFlags;

const pairs: PairForm = {
  images: 1,
  text: { name: "text", columns: ["text", "texts", "caption", "captions", "sentence"], needed: true },
  results: ["logits", "probability", "cosine", "rankScore"],
};

const verb = {
  suggestion: "Salesforce/blip-itm-base-flickr",
  load: (source: string, options: VerbOptions) => Matcher.fromPretrained(source, options),
  head: ["image", "text", "match", "cosine"],
  numeric: 2,
};

async function run(inputs: readonly string[], flags: MatchFlags, terminal: Terminal): Promise<number> {
  if (hasPairs(flags, { images: inputs, "-t": flags.text, "--texts": flags.texts }))
    return printPairs<Matcher, MatchScores>(terminal, flags, {
      ...verb,
      form: pairs,
      rows: (matcher, source, call) => matcher.rows(source, call),
      cells: (images, text = "", { probability, cosine }) => [
        ...images,
        text,
        percent(probability),
        cosine.toFixed(3),
      ],
    });
  needImages(inputs);
  const listed = await listTexts(flags);
  const images = await listImages(inputs, terminal.stdin, listOptions(flags, terminal));
  return withTextNames(listed, () =>
    printRows<MatchRow<string>, Matcher>(terminal, flags, {
      ...verb,
      rows: (matcher, call) => matcher.match(images, listed.texts, call),
      lines: ({ image, text, probability, cosine }) => [
        [image, text, percent(probability), cosine.toFixed(3)],
      ],
    }),
  );
}

export function addMatch(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("match")
    .description("how well texts fit images: ITM logits, probability and cosine for every image-text pair")
    .argument(...imagesOrPairs);
  addPairsOptions(addTextOptions(command), "{image, text}, or {image, texts} for several");
  addImageOptions(command).action(async (images: string[], flags: MatchFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
