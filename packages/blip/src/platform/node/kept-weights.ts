// Beside each file of kept weights stands a note: its SHA-256, and the state in which it was when that was taken. A file in
// that state is used as it is, so that nothing is read twice; one in another state (written into, copied from another
// machine) is hashed once, which takes about a second a gigabyte.
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

/** The note of a file. */
export const noteOf = (path: string): string => `${path}.json`;

/** The system sets the time of a change of state (ctime) itself: nobody writes into a file and leaves it. */
async function stateOf(path: string): Promise<Note["state"]> {
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

/** Notes the hash of a file that stands under its own name. @param unique an ending that nobody else uses */
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

/** The pieces of a file, which are hashed on their way. */
export async function* hashed(pieces: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/**
 * Does a file hold what was written into it when it was made?
 * @param unique an ending that nobody else uses
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
  // What cannot be noted is hashed again the next time.
  await writeNote(path, note.sha256, unique).catch(() => undefined);
  return true;
}
