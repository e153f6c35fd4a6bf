// Writes members of a tar file as bytes to append to the file.
import { packTar } from "modern-tar";

export interface TarMember {
  readonly name: string;
  readonly body: Uint8Array | string;
}

/** Two blocks of zeros, which end an archive. */
export const tarEnd = new Uint8Array(1024);

const encoder = new TextEncoder();

/**
 * Writes members in order, without the end of an archive. Their times are 1970, so the same members give the same
 * bytes.
 */
export async function tarMembers(members: readonly TarMember[]): Promise<Uint8Array> {
  const entries = members.map(({ name, body }) => {
    const data = typeof body === "string" ? encoder.encode(body) : body;
    return { header: { name, size: data.length, mtime: new Date(0), mode: 0o644 }, body: data };
  });
  const archive = await packTar(entries);
  return archive.subarray(0, archive.length - tarEnd.length);
}
