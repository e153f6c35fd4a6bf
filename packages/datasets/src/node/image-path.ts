// The file of an image below its folder.
import { isAbsolute, join, resolve } from "node:path";
import type { PathImage } from "../examples.ts";

/** What to open: `root` and `path` together; an absolute path (`allowOutside`) as it is. */
export const imagePath = ({ root, path }: PathImage): string =>
  isAbsolute(path) ? path : join(resolve(root), path);
