// Under which names converted weights are kept, wherever that is: by the files that they are made of, by the state of
// these, and by how they are made.

/** A file that weights are made of. */
export interface SourceState {
  /** Its name wherever it is asked for. */
  readonly name: string;
  /** Another one wherever its content is another one. */
  readonly state: string;
}

export interface DerivedKey {
  /** Of the files' names. */
  readonly files: string;
  /** Of their states, and of how the weights are made. */
  readonly version: string;
}

/** The first half of SHA-256, in hexadecimal digits. */
async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param recipe what besides the files decides the bytes */
export async function derivedKey(sources: readonly SourceState[], recipe: string): Promise<DerivedKey> {
  const names = sources.map(({ name }) => name).join("\n");
  const states = sources.map(({ state }) => state).join("\n");
  return { files: await hash(names), version: await hash(`${states}\n${recipe}`) };
}
