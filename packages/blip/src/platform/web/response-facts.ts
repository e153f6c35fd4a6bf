// What a response of a server says about its file: its version, its size.
import type { SourceOptions } from "../../files.ts";

/** What tells one version of a file from another, as far as the server lets a page see it. */
export const etagOf = ({ headers }: Response) => headers.get("etag") ?? headers.get("last-modified") ?? "";

/** The size of the whole in `content-range: bytes 0-9/1000`. */
export function wholeSize(response: Response): number | undefined {
  const total = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

/** The size of a file whose server hides `content-range` from pages of other origins. */
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
