// A file's version and size, from a server's response.
import type { SourceOptions } from "../../files.ts";

/** The file's version identifier, if the server exposes it to the page. */
export const etagOf = ({ headers }: Response) => headers.get("etag") ?? headers.get("last-modified") ?? "";

/** The size of the whole file in `content-range: bytes 0-9/1000`. */
export function wholeSize(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

/** Requests the size of a file whose server hides `content-range` from other origins. */
export async function headSize(
  url: string,
  {
    signal,
    headers,
  }: Pick<SourceOptions, "signal"> & { readonly headers?: Readonly<Record<string, string>> | undefined },
): Promise<number | undefined> {
  const response = await fetch(url, {
    method: "HEAD",
    ...(headers ? { headers } : {}),
    ...(signal ? { signal } : {}),
  }).catch(() => undefined);
  const length = response?.ok === true ? response.headers.get("content-length") : null;
  return length === null ? undefined : Number(length);
}
