// Paths and URLs from a data file. Paths must stay within the images' folder unless the caller trusts the file.
import { isDataUrl, maxDataUrlLength } from "@blip-ts/base";
import { badField, described, outsideRoot } from "./errors.ts";
import type { ImageSource } from "./examples.ts";
import type { Place } from "./place.ts";

export interface PathRules {
  readonly root: string;
  /** Accepts absolute paths and "..". Default: false. */
  readonly allowOutside: boolean;
}

const maxPath = 4096;
const isWebUrl = (text: string) => /^https?:\/\//i.test(text);
const hasScheme = (text: string) => /^(?:[a-z][a-z0-9+.-]+:\/\/|file:)/i.test(text);
const isAbsolute = (path: string) => /^[\\/]/.test(path) || /^[a-z]:/i.test(path);

/** Whether ".." leads above the start. Both slashes count, because a file may be read on either system. */
export function climbsOut(path: string): boolean {
  let depth = 0;
  for (const name of path.split(/[\\/]/)) {
    if (name === "..") depth--;
    else if (name !== "" && name !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** @throws {InputError} `dataset/bad-field`, `dataset/outside-root` */
export function checkPath(place: Place, field: string, path: string, rules: PathRules): string {
  if (path.trim() === "") throw badField(place, field, "a path or a URL", "an empty text");
  if (path.includes("\0")) throw badField(place, field, "a path or a URL", "a text with a NUL character");
  if (path.length > maxPath)
    throw badField(place, field, `a path of at most ${maxPath} characters`, `${path.length} characters`);
  if (rules.allowOutside) return path;
  if (isAbsolute(path)) throw outsideRoot(place, field, path, "which is absolute");
  if (climbsOut(path)) throw outsideRoot(place, field, path, 'which leads out of it by ".."');
  return path;
}

/**
 * Parses an image reference: a path below the root, an http(s) URL, or a data: URL (decoded with the image). @throws
 * {InputError} `dataset/bad-field`, `dataset/outside-root`
 */
export function imageAt(place: Place, field: string, text: string, rules: PathRules): ImageSource {
  if (isWebUrl(text)) {
    if (text.length > maxPath || /[\s\p{Cc}]/u.test(text))
      throw badField(place, field, `a URL without blanks, of at most ${maxPath} characters`, described(text));
    return { kind: "url", url: text };
  }
  if (isDataUrl(text)) {
    if (text.length > maxDataUrlLength)
      throw badField(
        place,
        field,
        `a data: URL of at most ${maxDataUrlLength} characters`,
        `${text.length} characters`,
      );
    return { kind: "url", url: text };
  }
  if (hasScheme(text))
    throw badField(
      place,
      field,
      "a path, an http(s) URL or a data: URL",
      described(text),
      "Fetch the image and give its path.",
    );
  return { kind: "path", root: rules.root, path: checkPath(place, field, text, rules) };
}
