// Cache keys of converted weights, from their source files, the state of these files, and the recipe.

/** A source file of converted weights. */
export interface SourceState {
  /** The file's name, the same at every load. */
  readonly name: string;
  /** A value that changes whenever the file's content changes. */
  readonly state: string;
}

export interface DerivedKey {
  /** A hash of the files' names. */
  readonly files: string;
  /** A hash of the files' states and the recipe. */
  readonly version: string;
}

/** The first half of SHA-256, in hexadecimal digits. */
async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Computes a cache key. @param recipe everything other than the files that determines the bytes */
export async function derivedKey(sources: readonly SourceState[], recipe: string): Promise<DerivedKey> {
  const names = sources.map(({ name }) => name).join("\n");
  const states = sources.map(({ state }) => state).join("\n");
  return { files: await hash(names), version: await hash(`${states}\n${recipe}`) };
}
