// Errors and warnings of the command: one factory each.
import { plainError, revivedError } from "@blip-ts/base";
import { type BlipError, InputError, ModelError, UsageError, type Warning } from "blip-ts";

const detailOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * An option of the command has an invalid value.
 * @remedy Give a value that the message allows.
 */
export const badFlag = (name: string, expected: string, got: string, advice = ""): UsageError =>
  new UsageError("usage/bad-option", `${name}: expected ${expected}, got ${got}.${advice && ` ${advice}`}`, {
    name,
    got,
  });

/**
 * An option requires another one that is missing.
 * @remedy Add the other option, or leave this one out.
 * @param pronoun `them` if `name` lists several options
 */
export const needsFlag = (name: string, needed: string, pronoun: "it" | "them" = "it"): UsageError =>
  new UsageError(
    "usage/bad-option",
    `${name}: expected ${needed} beside ${pronoun}, got none. Add it, or leave ${name} out.`,
    { name, needed },
  );

/**
 * Two options, or an option and arguments, exclude each other.
 * @remedy Leave one of them out.
 */
export const excludedFlags = (name: string, others: readonly string[], why: string): UsageError =>
  new UsageError(
    "usage/bad-option",
    `${name}: expected ${why}, got ${others.join(", ")} beside it. Leave one of them out.`,
    {
      name,
      others,
    },
  );

/**
 * The command's arguments are wrong.
 * @remedy Give them as the message says; `blip COMMAND --help` lists them.
 */
export const badArguments = (command: string, expected: string, got: string, advice: string): UsageError =>
  new UsageError("usage/bad-arguments", `${command}: expected ${expected}, got ${got}. ${advice}`, { got });

/**
 * The file of `--generation-config` cannot be read, or is not a JSON object.
 * @remedy Give a generation_config.json, or `model` for the model's own.
 */
export const badGenerationConfig = (file: string, got: string): UsageError =>
  new UsageError(
    "usage/bad-generation-config",
    `--generation-config ${file}: expected a JSON object as in generation_config.json, got ${got}. ` +
      "Give such a file, or `model` for the model's own.",
    { file },
  );

/**
 * Reading the rows of `--pairs` failed before their end.
 * @remedy Correct the file, and run the unanswered rows again.
 */
export const brokenOff = (name: string, error: unknown): InputError =>
  new InputError(
    "pairs/broken-off",
    `${name}: expected rows to its end, got "${detailOf(error)}". Rows before are answered; give the others again.`,
    { name },
    { cause: error },
  );

/** The error code of a list that cannot be used. */
export type ListCode = "usage/no-texts" | "usage/no-answers" | "usage/no-images" | "usage/no-questions";

/**
 * A list's file cannot be read, is not UTF-8, or is JSON without texts.
 * @remedy Give UTF-8 text with a line per entry, or a JSON array of texts.
 * @param source the list's name: `--texts FILE`
 */
export const badList = (code: ListCode, source: string, expected: string, got: string): UsageError =>
  new UsageError(code, `${source}: expected ${expected}, got ${got}`, { source });

/**
 * No text is given.
 * @remedy Give `-t TEXT`, or `--texts FILE` with a text per line.
 */
export const noTexts = (): UsageError =>
  new UsageError(
    "usage/no-texts",
    "texts: expected at least one, got none. Give -t TEXT, or --texts FILE with a text per line.",
  );

/**
 * No question is given.
 * @remedy Give `-q QUESTION`.
 */
export const noQuestions = (): UsageError =>
  new UsageError("usage/no-questions", "questions: expected at least one, got none. Give -q QUESTION.");

/**
 * No statement is given.
 * @remedy Give `-s STATEMENT`.
 */
export const noStatements = (): UsageError =>
  new UsageError("usage/no-statements", "statements: expected at least one, got none. Give -s STATEMENT.");

/**
 * A text, question or statement is empty.
 * @remedy Give a sentence.
 * @param name the caller's name of it: `text 2`, or `--texts FILE, line 5`
 */
export const emptyText = (name: string): UsageError =>
  new UsageError("text/empty", `${name} is empty: give a sentence`);

/**
 * No image is given.
 * @remedy Give files, folders, patterns or URLs; `-` for a list on standard input; or rows by `--pairs FILE`.
 */
export const noImages = (expected: string, advice: string): UsageError =>
  new UsageError("usage/no-images", `images: expected ${expected}, got none. ${advice}`);

/**
 * A folder that stands for a video holds no frames.
 * @remedy Give folders that hold images.
 */
export const noFrames = (folder: string): UsageError =>
  new UsageError(
    "usage/no-images",
    `${folder}: expected a folder of frames, got none. Give folders that hold images.`,
    {
      folder,
    },
  );

/**
 * The given folders and patterns hold no images.
 * @remedy Give image files, folders that hold some, or patterns that match some.
 */
export const noImagesIn = (inputs: readonly string[], unread: string | undefined): UsageError => {
  const names = inputs.map((argument) => (argument === "-" ? "standard input" : `"${argument}"`)).join(", ");
  return new UsageError(
    "usage/no-images",
    `no image found in ${names}: give image files, folders that hold some, or patterns that match some${unread === undefined ? "" : `. ${unread}`}`,
    { given: inputs },
  );
};

/**
 * Results cannot be written to standard output.
 * @remedy Free some disk space, or send them elsewhere.
 */
export const cannotWrite = (error: Error): UsageError =>
  new UsageError(
    "output/cannot-write",
    `standard output: expected to write the results there, got "${error.message}". Make room there, or send them elsewhere.`,
    {},
    { cause: error },
  );

/**
 * A measured model's outputs are not finite.
 * @remedy Download it again, or measure another type.
 */
export const notFinite = (): ModelError =>
  new ModelError(
    "model/not-finite",
    "the model: expected finite numbers in the first states of an image, got others. " +
      "Its weights are damaged, or too large for the type: get the file again, or measure another type.",
  );

/** The library's error about a text, which it calls by its number in a list, under the caller's name of the text. */
export function ofText(cause: BlipError, name: string): BlipError {
  const { message, fields, ...plain } = plainError(cause);
  const named = message.replace(/^text \d+/, () => name);
  return revivedError(
    { ...plain, message: named, fields: { ...fields, position: undefined, name } },
    { cause },
  );
}

/** @param image the file of `--check` */
export const ofCheck = (cause: InputError, image: string): InputError =>
  new InputError(cause.code, `--check: ${cause.message}`, { image }, { cause });

/**
 * Files of a folder cannot be read and are left out.
 * @remedy Change their permissions if you need them.
 */
export const imagesLeftOut = (message: string): Warning => ({ code: "image/left-out", message });
