// Options of reading the command's data.
import type { EvaluationData } from "blip-ts";
import { Option, type Command } from "commander";
import { collect } from "../common-options.ts";
import { badFlag } from "../errors.ts";

export interface DataFlags {
  readonly images?: readonly string[];
  readonly annotations?: string;
  readonly split?: string;
  readonly format?: string;
  readonly column?: readonly string[];
  readonly video?: boolean;
  readonly allowOutside?: boolean;
}

export const addDataOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--images <DIR>",
        "base folder of image paths (default: the data's own); NAME=DIR for each set in BLIP's question lists",
      ).argParser(collect),
    )
    .option("--annotations <FILE>", "vqa: the second file of VQA v2 and OK-VQA, with people's answers")
    .option("--split <NAME>", "a part of a file or folder that has several")
    .option("--format <NAME>", "the form of the data, if its content does not show it")
    .addOption(
      new Option(
        "--column <ROLE=NAME>",
        "a table's column by role: image, captions, question, answers, label, ...; may be given again",
      ).argParser(collect),
    )
    .option("--video", "retrieval: clips by folders of frames (MSRVTT)")
    .option("--allow-outside", "allow absolute paths and .. in the data");

/** Splits `a=b` in two; undefined for any other text. */
function pair(text: string): readonly [string, string] | undefined {
  const at = text.indexOf("=");
  return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : undefined;
}

function imageRoot(values: readonly string[]): EvaluationData["imageRoot"] | undefined {
  const [first, ...others] = values;
  if (first === undefined) return undefined;
  const pairs = values.flatMap((text) => {
    const named = pair(text);
    return named ? [named] : [];
  });
  if (pairs.length === values.length) return Object.fromEntries(pairs);
  if (others.length === 0) return first;
  throw badFlag(
    "--images",
    "one folder, or NAME=DIR for each",
    values.join(", "),
    "Name the sets, as in --images vqa=coco --images vg=vg.",
  );
}

function columns(values: readonly string[]): NonNullable<EvaluationData["columns"]> {
  const pairs = values.map((one) => {
    const found = pair(one);
    if (found) return found;
    throw badFlag(
      "--column",
      "ROLE=NAME",
      `"${one}"`,
      "Say what the column holds, as in --column image=photo.",
    );
  });
  return Object.fromEntries(pairs);
}

/** @throws {UsageError} `usage/bad-option` */
export function dataOf(path: readonly string[], flags: DataFlags): EvaluationData {
  const { images = [], column = [], annotations, split, format, video, allowOutside } = flags;
  const root = imageRoot(images);
  return {
    path,
    ...(root === undefined ? {} : { imageRoot: root }),
    ...(column.length === 0 ? {} : { columns: columns(column) }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(split === undefined ? {} : { split }),
    // The readers validate the format.
    ...(format === undefined ? {} : { format: format as NonNullable<EvaluationData["format"]> }),
    ...(video === undefined ? {} : { video }),
    ...(allowOutside === undefined ? {} : { allowOutside }),
  };
}
