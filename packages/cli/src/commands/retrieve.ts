// `blip retrieve IMAGE... -t TEXT...`: finds the images that fit a text best, or the texts that fit an image.
import { Retriever, type ImageRow, type TextRow } from "blip-ts";
import { Option, type Command } from "commander";
import {
  addImageOptions,
  anyNumber,
  imagesArgument,
  listOptions,
  type ImageFlags,
} from "../common-options.ts";
import { listImages, listVideos } from "../list-images.ts";
import { addTextOptions, listTexts, withTextNames, type TextFlags } from "../list-texts.ts";
import { printRows } from "../print-rows.ts";
import type { Terminal } from "../terminal.ts";

interface RetrieveFlags extends ImageFlags, TextFlags {
  readonly k?: number;
  readonly by: "text" | "image";
  readonly frames?: boolean;
}

/** The number of hits per row in the table. */
const shownHits = 10;

type Row = TextRow<string> | ImageRow<string>;

function linesOf(row: Row): string[][] {
  const lines = row.hits
    .slice(0, shownHits)
    .map((hit) => [
      "text" in row ? row.text : row.image,
      "text" in hit ? hit.text : hit.image,
      hit.cosine.toFixed(3),
      hit.rankScore?.toFixed(3) ?? "-",
    ]);
  const hidden = row.hits.length - lines.length;
  return hidden > 0 ? [...lines, ["", `${hidden} more (--json)`, "", ""]] : lines;
}

async function run(inputs: readonly string[], flags: RetrieveFlags, terminal: Terminal): Promise<number> {
  const listed = await listTexts(flags);
  const images =
    flags.frames === true
      ? await listVideos(inputs, terminal.stdin, listOptions(flags, terminal))
      : await listImages(inputs, terminal.stdin, listOptions(flags, terminal));
  const { k, by } = flags;
  return withTextNames(listed, () =>
    printRows<Row, Retriever>(terminal, flags, {
      suggestion: "Salesforce/blip-itm-base-flickr",
      load: (source, options) => Retriever.fromPretrained(source, options),
      rows: (retriever, call) =>
        by === "image"
          ? retriever.byImage(images, listed.texts, { ...call, k })
          : retriever.byText(images, listed.texts, { ...call, k }),
      head: [...(by === "image" ? ["image", "text"] : ["text", "image"]), "cosine", "rank score"],
      numeric: 2,
      lines: linesOf,
    }),
  );
}

export function addRetrieve(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("retrieve")
    .description(
      "which images fit a text best, or which texts an image: cosine first, then ITM for the best k",
    )
    .argument(...imagesArgument);
  addTextOptions(command)
    .addOption(
      new Option("-k <N>", "how many of each ranking ITM re-ranks (default: 128)").argParser(anyNumber("-k")),
    )
    .addOption(
      new Option("--by <WHAT>", "a row per text, or per image").choices(["text", "image"]).default("text"),
    )
    .option(
      "--frames",
      "each folder is a video: 8 of its images, in the order of the numbers in their names",
    );
  addImageOptions(command).action(async (images: string[], flags: RetrieveFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
