// `blip caption IMAGE...`: what images show, in words.
import { Captioner, type CaptionRow } from "blip-ts";
import type { Command } from "commander";
import { addPictureOptions, imagesArgument, type PictureFlags } from "../common-options.ts";
import { addGenerationOptions, generationOptions, type GenerationFlags } from "../generation-options.ts";
import { listImages } from "../list-images.ts";
import { percent, printRows } from "../print-rows.ts";
import { requestRows } from "../request-rows.ts";
import type { Terminal } from "../terminal.ts";

interface CaptionFlags extends PictureFlags, GenerationFlags {
  readonly prompt?: string;
  readonly score?: boolean;
  readonly matchModel?: string;
}

async function run(given: readonly string[], flags: CaptionFlags, terminal: Terminal): Promise<number> {
  const images = await listImages(given, terminal.stdin);
  const { score, matchModel, prompt } = flags;
  const scored = score === true || matchModel !== undefined;
  return printRows<CaptionRow<string>, Captioner>(terminal, flags, {
    suggestion: "Salesforce/blip-image-captioning-large",
    load: (source, options) => Captioner.fromPretrained(source, { ...options, score, matchModel }),
    rows: (captioner, call) => {
      const options = generationOptions(flags);
      // What is wrong with the call is found before any picture is read.
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
    head: ["image", "caption", ...(scored ? ["match"] : [])],
    numeric: scored ? 1 : 0,
    lines: ({ image, caption, match }) => [
      [image, caption, ...(scored ? [match == null ? "-" : percent(match)] : [])],
    ],
  });
}

export function addCaption(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("caption")
    .description("what images show, in words")
    .argument(...imagesArgument)
    .option("--prompt <TEXT>", 'how captions begin (default: "a picture of "; none with --compat hf)');
  addGenerationOptions(command)
    .option("--score", "how well each caption fits: the ITM probability of the model's own heads")
    .option("--match-model <M>", "--score by this matching model: a folder, a file, a suite, or a Hub id");
  addPictureOptions(command).action(async (images: string[], flags: CaptionFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
