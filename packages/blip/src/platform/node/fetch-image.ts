// Fetches images by http(s), within limits: 25 MB, 30 seconds, and 5 redirects. No redirect may lead from the public
// Internet to a private address. The total bytes of all fetched images in memory are also limited. Error messages do
// not quote a server's answer, because forwarding such a message could reveal a private service.
import { shownUrl } from "@blip-ts/base";
import { unreachable } from "../../image/errors.ts";
import { BodyRoom, type BodyShare } from "./net/body-room.ts";
import { wholeBody, discard } from "./net/body.ts";
import { NetworkFailure, RefusedRedirect } from "./net/failure.ts";
import { usualLimits } from "./net/limits.ts";
import { request, type RequestOptions } from "./net/request.ts";

const maxBytes = 25_000_000;
const timeoutMilliseconds = 30_000;

/** Limits the bytes of all fetched images until they are decoded, not counting the first 2^20 bytes of each. */
export const fetchedImages = new BodyRoom(256e6);

export interface FetchImageOptions extends Pick<RequestOptions, "signal" | "env" | "resolve"> {
  /** Also follows redirects from public to private addresses. */
  readonly allowPrivateRedirects?: boolean | undefined;
  /**
   * This image's share of the common byte budget. The caller who opened the share closes it once the bytes are freed.
   */
  readonly share?: BodyShare | undefined;
  /** Milliseconds for the whole request; tests shorten it. */
  readonly timeout?: number | undefined;
}

/**
 * Fetches the bytes of an image.
 * @throws {InputError} `image/unreachable`, with the server's behaviour
 * @throws {UsageError} `network/bad-proxy`
 * @throws the signal's reason
 */
export async function fetchImage(address: string, options: FetchImageOptions = {}): Promise<Uint8Array> {
  const { signal, share, timeout = timeoutMilliseconds } = options;
  const name = shownUrl(address);
  if (!URL.canParse(address)) throw unreachable(name, "expected a URL");
  const late = AbortSignal.timeout(timeout);
  const stop = signal ? AbortSignal.any([signal, late]) : late;
  try {
    const { answer } = await request(address, { ...options, signal: stop });
    if (!answer.ok) {
      discard(answer);
      throw unreachable(name, `the server answered ${answer.status}`);
    }
    const bytes = await wholeBody(answer, maxBytes, { limits: usualLimits, signal: stop, share });
    if (!bytes) throw unreachable(name, `larger than ${maxBytes / 1e6} MB`);
    return bytes;
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted) throw unreachable(name, `no whole answer within ${timeout / 1000} seconds`, error);
    if (error instanceof RefusedRedirect) throw unreachable(name, `the server ${error.message}`, error);
    if (error instanceof NetworkFailure)
      throw unreachable(name, `cannot be fetched (${error.message})`, error);
    throw error;
  }
}
