// Each cached weights file has a note next to it: the file's SHA-256, and the file's state when the hash was computed.
// A file that is still in the same state is used without hashing it again. A file in another state (modified, or
// copied from another machine) is hashed once, which takes about a second per gigabyte.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { schema } from "@blip-ts/base";

const maxNoteBytes = 10_000;

const number = schema.text(30);
const noteSchema = schema.fields({
  sha256: schema.text(64),
  state: schema.fields({ ino: number, size: number, mtimeNs: number, ctimeNs: number }),
});

type Note = schema.Output<typeof noteSchema>;

/** The path of a file's note. */
export const noteOf = (path: string): string => `${path}.json`;

/**
 * The state of a file. The system sets the change time (ctime), so every write to the file, and every other file in its
 * place, has another state.
 */
export async function stateOf(path: string): Promise<Note["state"]> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { ino: String(ino), size: String(size), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) };
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    const text = await readFile(noteOf(path), "utf8");
    if (text.length > maxNoteBytes) return undefined;
    return schema.checked(noteSchema, JSON.parse(text)).value;
  } catch {
    return undefined;
  }
}

/**
 * Writes the note of a file that already has its final name.
 * @param unique an ending that no other writer uses
 */
export async function writeNote(path: string, sha256: string, unique: string): Promise<void> {
  const note: Note = { sha256, state: await stateOf(path) };
  const temporary = `${noteOf(path)}${unique}`;
  try {
    await writeFile(temporary, JSON.stringify(note));
    await rename(temporary, noteOf(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Passes the pieces of a file through and updates a hash with each piece. */
export async function* hashed(pieces: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/**
 * Whether a file still has the content that was written.
 * @param unique an ending that no other writer uses
 */
export async function isIntact(path: string, unique: string): Promise<boolean> {
  const note = await readNote(path);
  if (!note) return false;
  const state = await stateOf(path);
  if ((Object.keys(state) as (keyof typeof state)[]).every((key) => state[key] === note.state[key]))
    return true;
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  if (hash.digest("hex") !== note.sha256) return false;
  // If the note cannot be written, the next load hashes the file again.
  await writeNote(path, note.sha256, unique).catch(() => undefined);
  return true;
}
