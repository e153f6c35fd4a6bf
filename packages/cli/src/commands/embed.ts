// `blip embed IMAGE... -t TEXT...`: embeds images and texts as vectors of one space.
import { type Batched, Embedder, type ImageEmbedding, type ImageInput, type TextEmbedding } from "blip-ts";
import type { Command } from "commander";
import { addImageOptions, listOptions, type ImageFlags } from "../common-options.ts";
import { listImages } from "../list-images.ts";
import { addTextOptions, checkEach, textsOf, withTextNames, type TextFlags } from "../list-texts.ts";
import { printRows } from "../print-rows.ts";
import { requestRows } from "../request-rows.ts";
import type { Terminal } from "../terminal.ts";
import { noImages } from "../errors.ts";

interface EmbedFlags extends ImageFlags, TextFlags {
  readonly states?: boolean;
}

type Row = ImageEmbedding<string> | TextEmbedding;

/** The length of a vector, or the number and length of several, with the first numbers. */
function shape({ embedding }: Row): string[] {
  const [first] = embedding;
  const begins = (values: readonly number[]) => values.slice(0, 4).map((value) => value.toFixed(4));
  return typeof first === "number"
    ? [String(embedding.length), `${begins(embedding as readonly number[]).join(" ")} ...`]
    : [`${embedding.length} x ${first?.length ?? 0}`, `${begins(first ?? []).join(" ")} ...`];
}

const requests = (embedder: Embedder, states: boolean | undefined) => ({
  models: { embedder },
  rowsOf: async (batched: Batched<ImageInput>, image: string, signal: AbortSignal | undefined) => [
    { image, embedding: await batched.embedImage(image, { states, signal, whenFull: "wait" }) },
  ],
});

async function run(inputs: readonly string[], flags: EmbedFlags, terminal: Terminal): Promise<number> {
  const { states } = flags;
  const listed = await textsOf(flags);
  const { texts } = listed;
  if (inputs.length === 0 && texts.length === 0)
    throw noImages("images or texts", "Give images, -t TEXT, or both.");
  const images =
    inputs.length === 0 ? [] : await listImages(inputs, terminal.stdin, listOptions(flags, terminal));
  return withTextNames(listed, () =>
    printRows<Row, Embedder>(terminal, flags, {
      suggestion: "Salesforce/blip-itm-base-flickr",
      load: (source, options) => Embedder.fromPretrained(source, options),
      async *rows(embedder, call) {
        // Check the call before reading any image.
        checkEach(listed, (text) => embedder.check({ text }));
        if (images.length > 0) yield* requestRows(images, requests(embedder, states), call);
        yield* embedder.embedTexts(texts, { signal: call.signal, states });
      },
      head: ["image or text", "numbers", "embedding (--json: all of it)"],
      numeric: 0,
      lines: (row) => [["image" in row ? row.image : row.text, ...shape(row)]],
    }),
  );
}

export function addEmbed(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("embed")
    .description("images and texts as vectors of unit length in one space")
    .argument("[image...]", "files, folders, patterns, URLs, or - for a list on standard input");
  addTextOptions(command).option(
    "--states",
    "all states after the last layer instead of the vector in the joint space",
  );
  addImageOptions(command).action(async (images: string[], flags: EmbedFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
