// From arguments to pictures: files, folders (recursive, by name), globs, URLs, and `-` for a list on standard input.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "blip-ts";
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

async function expand(argument: string): Promise<string[]> {
  if (isUrl(argument)) return [argument];
  if (await isFolder(argument)) return picturesIn(argument);
  // A file whose name looks like a pattern is that file.
  if ((await stat(argument).catch(() => undefined)) !== undefined) return [argument];
  if (!isDynamicPattern(argument)) return [argument];
  const found = await glob(argument, { onlyFiles: false, expandDirectories: false });
  const lists: string[] = [];
  for (const path of found.sort()) lists.push(...(path.endsWith("/") ? await picturesIn(path) : [path]));
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
export async function listImages(
  given: readonly string[],
  stdin: AsyncIterable<Buffer | string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const argument of given)
    for (const one of argument === "-" ? await lines(stdin) : [argument]) found.push(...(await expand(one)));
  if (found.length > 0) return found;
  const places = given.map((argument) => (argument === "-" ? "standard input" : `"${argument}"`)).join(", ");
  throw new UsageError(
    "usage/no-images",
    `no image found in ${places}: give picture files, folders that hold some, or patterns that match some`,
    { given },
  );
}
