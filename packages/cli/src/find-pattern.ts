// Finds patterns among the arguments. Most file names with special characters are plain names, so only unlikely file
// names count as patterns.
import fs, { type Dirent } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { glob } from "tinyglobby";

/** `[abc]`, `[0-9]`, `[!a]`; a single character in brackets (`img[1].png`) is part of a name. */
const oneOf = String.raw`\[[^\]/]{2,}\]`;

const wildcard = new RegExp(String.raw`[*?]|${oneOf}|\{[^{}]*(?:,|\.\.)[^{}]*\}`);

/**
 * Whether an argument contains `*`, `?`, `[abc]`, `{a,b}` or `{1..3}`. Parentheses, as in `img(1).png`, are part of a
 * name.
 */
export const isPattern = (argument: string): boolean => wildcard.test(argument);

/** Characters that are special in tinyglobby, but part of a name here. */
const nameSigns = new RegExp(String.raw`${oneOf}|\\.|[()[\]!+@|"]`, "g");

const escaped = (pattern: string): string =>
  pattern.replace(nameSigns, (sign) => (sign.length > 1 ? sign : `\\${sign}`));

type ReadFolder = (
  path: string,
  options: { readonly withFileTypes: true },
  done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
) => void;

/**
 * Finds a pattern's matches by name, each path once, and folders that may hold matches but cannot be read.
 * @param pattern relative to the working directory or absolute, like the returned paths
 */
export async function findPattern(pattern: string): Promise<string[]> {
  const absolute = isAbsolute(pattern);
  const unread: string[] = [];
  const readFolder: ReadFolder = (path, options, done) =>
    fs.readdir(path, options, (error, entries) => {
      // A missing folder holds nothing.
      if (error && error.code !== "ENOENT" && error.code !== "ENOTDIR")
        unread.push((absolute ? path : relative(process.cwd(), path)).replace(/(?<=.)\/+$/, "") || ".");
      done(error, entries);
    });
  const matches = await glob(escaped(pattern), {
    ...{ onlyFiles: false, expandDirectories: false, absolute },
    // Only the forms of each function that the walker calls; the walker ignores failures.
    fs: {
      readdir: readFolder as typeof fs.readdir,
      // A broken link gets a row with its error.
      realpath: ((path: string, done: (error: null, resolved: string) => void) =>
        fs.realpath(path, (error, resolved) =>
          done(null, error ? path : resolved),
        )) as unknown as typeof fs.realpath,
      stat: ((path: string, done: (error: NodeJS.ErrnoException | null, stats: fs.Stats) => void) =>
        fs.stat(path, (error, stats) =>
          error ? fs.lstat(path, done) : done(null, stats),
        )) as typeof fs.stat,
    },
  });
  const paths = matches.map((path) => path.replace(/(?<=.)\/$/, ""));
  return [...new Set([...paths, ...unread])].sort();
}
