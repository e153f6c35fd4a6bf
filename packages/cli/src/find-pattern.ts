// Patterns among the arguments. Most names with signs in them are names: only what nobody calls a file is a pattern.
import fs, { type Dirent } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { glob } from "tinyglobby";

/** `[abc]`, `[0-9]`, `[!a]`; a single character in brackets (`img[1].png`) is part of a name. */
const oneOf = String.raw`\[[^\]/]{2,}\]`;

const wildcard = new RegExp(String.raw`[*?]|${oneOf}|\{[^{}]*(?:,|\.\.)[^{}]*\}`);

/** Does an argument have `*`, `?`, `[abc]`, `{a,b}` or `{1..3}` in it? Parentheses, as in `img(1).png`, are a name's. */
export const isPattern = (argument: string): boolean => wildcard.test(argument);

/** Signs that tinyglobby gives a meaning, and that are a name's here. */
const nameSigns = new RegExp(String.raw`${oneOf}|\\.|[()[\]!+@|"]`, "g");

const escaped = (pattern: string): string =>
  pattern.replace(nameSigns, (sign) => (sign.length > 1 ? sign : `\\${sign}`));

type ReadFolder = (
  path: string,
  options: { readonly withFileTypes: true },
  done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
) => void;

/**
 * What a pattern matches, by name, each path once; and folders that may hold some and cannot be read.
 * @param pattern it is relative to the working directory or absolute, and so are the paths
 */
export async function findPattern(pattern: string): Promise<string[]> {
  const absolute = isAbsolute(pattern);
  const unread: string[] = [];
  const readFolder: ReadFolder = (path, options, done) =>
    fs.readdir(path, options, (error, entries) => {
      // What is not there holds nothing.
      if (error && error.code !== "ENOENT" && error.code !== "ENOTDIR")
        unread.push((absolute ? path : relative(process.cwd(), path)).replace(/(?<=.)\/+$/, "") || ".");
      done(error, entries);
    });
  const matches = await glob(escaped(pattern), {
    ...{ onlyFiles: false, expandDirectories: false, absolute },
    // The one form of each function that the walker calls; it passes over what fails.
    fs: {
      readdir: readFolder as typeof fs.readdir,
      // A link that leads nowhere has a row that says so.
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
