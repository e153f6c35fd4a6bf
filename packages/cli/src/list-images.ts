// Turns arguments into images: files, folders (recursive, by name), globs, URLs, and `-` for a list on standard input.
// Unusable entries stay in the list: their rows report the error, and the others continue.
import { lstat } from "node:fs/promises";
import { type Video, uniformFrames } from "blip-ts";
import { isDataUrl } from "@blip-ts/base";
import { findPattern, isPattern } from "./find-pattern.ts";
import { listEntries } from "./read-list.ts";
import { isFolder, LeftOut, walkFolder } from "./walk-folder.ts";
import { noFrames, noImagesIn } from "./errors.ts";

/** Whether an argument is an http(s) or data URL. Windows drives (`c:\`) are not URLs. */
export const isUrl = (argument: string): boolean => /^https?:\/\//i.test(argument) || isDataUrl(argument);

/** A name from an argument or from a line of a list. A line is never a pattern. */
interface Named {
  readonly name: string;
  readonly isLine: boolean;
}

/**
 * The paths and folders that a name stands for. A pattern without matches stands for itself, and `matched` is false.
 */
async function placesOf({ name, isLine }: Named): Promise<{ places: readonly string[]; matched: boolean }> {
  const itself = { places: [name], matched: true };
  if (isLine || isUrl(name) || !isPattern(name)) return itself;
  // A file with exactly this name takes precedence.
  if ((await lstat(name).catch(() => undefined)) !== undefined) return itself;
  const places = await findPattern(name);
  return places.length > 0 ? { places, matched: true } : { ...itself, matched: false };
}

/** Reads paths from standard input. @throws {UsageError} `usage/no-images` if it is no list */
async function lines(stdin: AsyncIterable<Buffer | string>, { nul }: ListOptions): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  const form = { source: "standard input", entries: "paths", code: "usage/no-images" as const, nul };
  return listEntries(Buffer.concat(chunks), form).map(({ text }) => text);
}

export interface ListOptions {
  /** A NUL follows each path on standard input, as `find -print0` writes them. */
  readonly nul?: boolean | undefined;
  /** Called about photographs in folders that are left out because no decoder here reads them. */
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Lists the images of the arguments, in order. Missing files, patterns without matches and unreadable folders stay in
 * the list: their rows report the error.
 * @throws {UsageError} `usage/no-images` if folders, patterns or standard input hold none
 */
export const listImages = (
  inputs: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
  options: ListOptions = {},
): Promise<string[]> =>
  listed(inputs, { stdin, options }, async function* (name, leftOut) {
    if (await isFolder(name)) for await (const { path } of walkFolder(name, leftOut)) yield path;
    else yield name;
  });

/**
 * Like `listImages`, but each folder is a video: 8 of its images are used, as in BLIP, in the order of the numbers in
 * their names.
 * @throws {UsageError} `usage/no-images`, also for a folder without images
 */
export const listVideos = (
  inputs: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
  options: ListOptions = {},
): Promise<(string | Video<string>)[]> =>
  listed(inputs, { stdin, options }, async function* (name, leftOut) {
    yield (await isFolder(name)) ? await videoIn(name, leftOut) : name;
  });

const byNumber = new Intl.Collator("en", { numeric: true });

async function videoIn(folder: string, leftOut: LeftOut): Promise<Video<string>> {
  const frames: string[] = [];
  for await (const { path, unread } of walkFolder(folder, leftOut)) {
    // Without the unreadable folder, other frames would be chosen; the video's row reports the folder.
    if (unread === true) return { image: folder, frames: [path] };
    frames.push(path);
  }
  if (frames.length === 0) throw noFrames(folder);
  return { image: folder, frames: uniformFrames(frames.sort(byNumber.compare)) };
}

async function listed<T>(
  inputs: readonly string[],
  { stdin, options }: { readonly stdin: AsyncIterable<Buffer | string>; readonly options: ListOptions },
  meaning: (path: string, leftOut: LeftOut) => AsyncIterable<T>,
): Promise<T[]> {
  const all: T[] = [];
  const leftOut = new LeftOut();
  let named = false;
  for (const argument of inputs) {
    const isLine = argument === "-";
    for (const name of isLine ? await lines(stdin, options) : [argument]) {
      const { places, matched } = await placesOf({ name, isLine });
      // `dir/**` matches a folder and also its content.
      const ofName = new Set<T>();
      for (const path of places) for await (const item of meaning(path, leftOut)) ofName.add(item);
      for (const item of ofName) all.push(item);
      named ||= matched && ofName.size > 0;
    }
  }
  const unreadPhotographs = leftOut.message();
  if (named) {
    if (unreadPhotographs !== undefined) options.warn?.(unreadPhotographs);
    return all;
  }
  throw noImagesIn(inputs, unreadPhotographs);
}
