// Pictures by http(s), within limits: 25 MB, 30 seconds, 5 redirects.
import { unreachable } from "../../image/errors.ts";

const maxBytes = 25_000_000;
const timeoutMilliseconds = 30_000;
const maxRedirects = 5;

/** The bytes of a picture. @throws {InputError} `image/unreachable`, saying what the server answered */
export async function fetchImage(url: string, signal?: AbortSignal): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(timeoutMilliseconds);
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    return await readBody(await follow(url, stop), url);
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted)
      throw unreachable(url, `no whole answer within ${timeoutMilliseconds / 1000} seconds`, error);
    if (error instanceof TypeError) {
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      throw unreachable(url, `cannot be fetched (${cause})`, error);
    }
    throw error;
  }
}

async function follow(url: string, signal: AbortSignal): Promise<Response> {
  let address = new URL(url);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await fetch(address, { redirect: "manual", signal });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      if (!response.ok)
        throw unreachable(url, `the server answered ${response.status} ${response.statusText}`);
      return response;
    }
    await response.body?.cancel();
    address = new URL(location, address);
    if (!/^https?:$/.test(address.protocol))
      throw unreachable(url, `redirects to ${address.protocol}, which is not fetched`);
  }
  throw unreachable(url, `more than ${maxRedirects} redirects`);
}

async function readBody(response: Response, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const body = response.body as AsyncIterable<Uint8Array> | null;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > maxBytes) throw unreachable(url, `larger than ${maxBytes / 1e6} MB`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
