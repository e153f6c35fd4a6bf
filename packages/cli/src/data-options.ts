// Options of reading data files, for the commands that do: `eval`, `train` and `capfilt`.
import type { NodeTrainOptions } from "blip-ts/train";
import { Option, type Command } from "commander";
import { collect } from "./common-options.ts";
import { badFlag } from "./errors.ts";

type Reader = NonNullable<NodeTrainOptions["reader"]>;
type ColumnRole = keyof NonNullable<Reader["columns"]>;

export interface DataFlags {
  readonly images?: readonly string[];
  readonly annotations?: string;
  readonly split?: string;
  readonly format?: string;
  readonly column?: readonly string[];
  readonly allowOutside?: boolean;
}

/** All roles of columns. */
const allRoles: Readonly<Record<ColumnRole, true>> = {
  ...{ image: true, captions: true, id: true, question: true, questionId: true, answers: true },
  ...{ answerType: true, questionType: true, sentence: true, label: true, video: true },
};

/** @param more which other values there are */
export const imagesOption = (more = "") =>
  new Option(
    "--image-root, --images <DIR>",
    `base folder of image paths (default: the data's own folder)${more}`,
  );

export const splitOption = () => new Option("--split <NAME>", "a part of a file or folder that has several");

export const columnOption = (roles: string) =>
  new Option("--column <ROLE=NAME>", `a table's column by role: ${roles}; may be given again`).argParser(
    collect,
  );

export const allowOutsideOption = () =>
  new Option("--allow-outside", "allow absolute paths and .. in the data");

export const addDataOptions = (command: Command): Command =>
  command
    .addOption(
      imagesOption("; NAME=DIR for each set of BLIP's question lists, or for one of <data...>").argParser(
        collect,
      ),
    )
    .option("--annotations <FILE>", "vqa: the second file of VQA v2 and OK-VQA, with people's answers")
    .addOption(splitOption())
    .option("--format <NAME>", "the form of the data, if its content does not show it")
    .addOption(columnOption("image, captions, question, answers, label, ..."))
    .addOption(allowOutsideOption());

/**
 * Splits `NAME=VALUE` in two; undefined for any other text.
 * @param names possible names that may contain "="
 */
function pair(text: string, names: readonly string[] = []): readonly [string, string] | undefined {
  const known = names.find((name) => text.startsWith(`${name}=`));
  const at = known?.length ?? text.indexOf("=");
  return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : undefined;
}

/** One folder, or the folders by name. @throws {UsageError} `usage/bad-option` */
function imageRootOf(values: readonly string[], paths: readonly string[]): Reader["imageRoot"] {
  const [first, ...others] = values;
  const pairs = values.flatMap((text) => {
    const named = pair(text, paths);
    return named ? [named] : [];
  });
  if (pairs.length === values.length) return Object.fromEntries(pairs);
  if (others.length === 0) return first;
  throw badFlag(
    "--images",
    "one folder, or NAME=DIR for each",
    values.join(", "),
    "Name each folder, as in --images vqa=coco --images vg=vg.",
  );
}

/**
 * The columns by role.
 * @param roles the roles that the command knows
 * @throws {UsageError} `usage/bad-option`
 */
export function columnsOf(
  values: readonly string[],
  roles: readonly string[] = Object.keys(allRoles),
): Readonly<Record<string, string>> {
  const pairs = values.map((text) => {
    const [role, name] = pair(text) ?? [];
    if (role !== undefined && name !== undefined && name !== "" && roles.includes(role))
      return [role, name] as const;
    throw badFlag(
      "--column",
      `ROLE=NAME (ROLE: ${roles.join(", ")})`,
      `"${text}"`,
      "Say what the column holds, as in --column image=photo.",
    );
  });
  return Object.fromEntries(pairs);
}

/**
 * How to read the data's files.
 * @param paths the data's files and folders
 * @throws {UsageError} `usage/bad-option`
 */
export function readerOf(flags: DataFlags, paths: readonly string[]): Reader {
  const { images = [], column = [], annotations, split, format, allowOutside } = flags;
  const imageRoot = images.length === 0 ? undefined : imageRootOf(images, paths);
  return {
    ...(imageRoot === undefined ? {} : { imageRoot }),
    ...(column.length === 0 ? {} : { columns: columnsOf(column) }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(split === undefined ? {} : { split }),
    // The readers validate the format.
    ...(format === undefined ? {} : { format: format as NonNullable<Reader["format"]> }),
    ...(allowOutside === undefined ? {} : { allowOutside }),
  };
}
