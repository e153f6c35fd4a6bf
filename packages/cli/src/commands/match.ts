// `blip match IMAGE... -t TEXT...`: every image with every text.
import { Matcher, type MatchRow } from "blip-ts";
import type { Command } from "commander";
import { addPictureOptions, imagesArgument, type PictureFlags } from "../common-options.ts";
import { listImages } from "../list-images.ts";
import { addTextOptions, listTexts, type TextFlags } from "../list-texts.ts";
import { percent, printRows } from "../print-rows.ts";
import type { Terminal } from "../terminal.ts";

type MatchFlags = PictureFlags & TextFlags;

async function run(given: readonly string[], flags: MatchFlags, terminal: Terminal): Promise<number> {
  const texts = await listTexts(flags);
  const images = await listImages(given, terminal.stdin);
  return printRows<MatchRow<string>, Matcher>(terminal, flags, {
    suggestion: "Salesforce/blip-itm-base-flickr",
    load: (source, options) => Matcher.fromPretrained(source, options),
    rows: (matcher, call) => matcher.match(images, texts, call),
    head: ["image", "text", "match", "cosine"],
    numeric: 2,
    lines: ({ image, text, probability, cosine }) => [[image, text, percent(probability), cosine.toFixed(3)]],
  });
}

export function addMatch(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("match")
    .description(
      "how well texts fit images: ITM logits, probability and cosine of every image with every text",
    )
    .argument(...imagesArgument);
  addPictureOptions(addTextOptions(command)).action(async (images: string[], flags: MatchFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
