// From arguments to pictures: files, folders (recursive, by name), globs, URLs, and `-` for a list on standard input.
import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { uniformFrames, UsageError, type Video } from "blip-ts";
import { glob, isDynamicPattern } from "tinyglobby";

const pictureEnding = /\.(?:jpe?g|jfif|png|webp|gif|avif|bmp|tiff?)$/i;

/** A URL that is fetched; Windows drives (`c:\`) are not. */
export const isUrl = (argument: string): boolean => /^https?:\/\//i.test(argument);

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Pictures below a folder, by name, each folder's own files among its subfolders. */
async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) {
      if (!entry.isSymbolicLink()) found.push(...(await picturesIn(path)));
    } else if (pictureEnding.test(entry.name)) found.push(path);
  }
  return found;
}

/** What a pattern matches, by name; anything else as it is. A file whose name looks like a pattern is that file. */
async function matching(argument: string): Promise<string[]> {
  if (isUrl(argument) || !isDynamicPattern(argument)) return [argument];
  if ((await stat(argument).catch(() => undefined)) !== undefined) return [argument];
  const found = await glob(argument, {
    ...{ onlyFiles: false, expandDirectories: false },
    // A path is called as it was given.
    absolute: isAbsolute(argument),
  });
  return found.sort().map((path) => path.replace(/\/$/, ""));
}

async function expand(argument: string): Promise<string[]> {
  const lists: string[] = [];
  for (const path of await matching(argument))
    lists.push(...((await isFolder(path)) ? await picturesIn(path) : [path]));
  return lists;
}

async function lines(stdin: AsyncIterable<Buffer | string>): Promise<string[]> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of stdin)
    text += typeof part === "string" ? part : decoder.decode(part, { stream: true });
  return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

/**
 * The pictures that the arguments mean, in order. A path that does not exist stays in the list: its row says so.
 * @throws {UsageError} `usage/no-images` where folders, patterns or standard input hold none
 */
export const listImages = (
  given: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
): Promise<string[]> => listed(given, stdin, expand);

/**
 * The same, but each folder is a video: 8 of its pictures, as BLIP takes them, in the order of the numbers in their names.
 * @throws {UsageError} `usage/no-images`, also for a folder without pictures
 */
export const listVideos = (
  given: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
): Promise<(string | Video<string>)[]> =>
  listed(given, stdin, async (argument) => {
    const places = (await isFolder(argument)) ? [argument] : await matching(argument);
    const videos: (string | Video<string>)[] = [];
    for (const place of places) videos.push((await isFolder(place)) ? await videoIn(place) : place);
    return videos;
  });

const byNumber = new Intl.Collator("en", { numeric: true });

async function videoIn(folder: string): Promise<Video<string>> {
  const pictures = (await picturesIn(folder)).sort(byNumber.compare);
  if (pictures.length === 0)
    throw new UsageError(
      "usage/no-images",
      `no frame found in "${folder}": give folders that hold pictures`,
      {
        folder,
      },
    );
  return { image: folder, frames: uniformFrames(pictures) };
}

async function listed<T>(
  given: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
  meaning: (argument: string) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (const argument of given)
    for (const one of argument === "-" ? await lines(stdin) : [argument]) found.push(...(await meaning(one)));
  if (found.length > 0) return found;
  const places = given.map((argument) => (argument === "-" ? "standard input" : `"${argument}"`)).join(", ");
  throw new UsageError(
    "usage/no-images",
    `no image found in ${places}: give picture files, folders that hold some, or patterns that match some`,
    { given },
  );
}
