// Lists images below a folder, without other programs' files beside photographs, and notes photographs that are not
// supported.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { imageEnding, unreadEndings } from "@blip-ts/base";

/** Folders of thumbnails and deleted files: those of Synology, macOS archives and Windows. */
const foreignFolders: ReadonlySet<string> = new Set([
  "@eadir",
  "#recycle",
  "__macosx",
  "$recycle.bin",
  "system volume information",
]);

/** Whether a name is hidden, as those of AppleDouble files (`._x.jpg`) are. */
const isHidden = (name: string): boolean => name.startsWith(".");

/** A path found by a walk; with `unread`, a folder that cannot be read. */
export interface WalkedPath {
  readonly path: string;
  readonly unread?: boolean;
}

/** Photographs that were left out, by kind. */
export class LeftOut {
  readonly #kinds = new Map<string, string[]>();

  add(kind: string, path: string): void {
    this.#kinds.set(kind, [...(this.#kinds.get(kind) ?? []), path]);
  }

  /** The message about the photographs that were left out; undefined if there are none. */
  message(): string | undefined {
    const kinds = [...this.#kinds];
    const paths = kinds.flatMap(([, ofKind]) => ofKind);
    const [first] = paths;
    if (first === undefined) return undefined;
    const counts = kinds.map(([kind, { length }]) => `${length} ${kind} file${length === 1 ? "" : "s"}`);
    const example = paths.length === 1 ? first : `${first} and others`;
    return `${counts.join(" and ")} left out, as blip does not read them: ${example}. Convert them to JPEG or PNG.`;
  }
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * Yields images below a folder sorted by name, with each folder's own files among its subfolders, and folders that
 * cannot be read. Skips hidden files and folders, and folders of thumbnails; does not follow links to folders.
 */
export async function* walkFolder(
  folder: string,
  leftOut: LeftOut,
): AsyncGenerator<WalkedPath, void, undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (!entries) {
    yield { path: folder, unread: true };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (isHidden(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) {
      if (!entry.isSymbolicLink() && !foreignFolders.has(entry.name.toLowerCase()))
        yield* walkFolder(path, leftOut);
    } else if (imageEnding.test(entry.name)) yield { path };
    else {
      const unread = unreadEndings.find(([, ending]) => ending.test(entry.name));
      if (unread) leftOut.add(unread[0], path);
    }
  }
}
