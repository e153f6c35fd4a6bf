// The file path of an image.
import { isAbsolute, join, resolve } from "node:path";
import type { PathImage } from "../examples.ts";

/** The path to open: `root` and `path` joined; an absolute path (`allowOutside`) unchanged. */
export const imagePath = ({ root, path }: PathImage): string =>
  isAbsolute(path) ? path : join(resolve(root), path);
