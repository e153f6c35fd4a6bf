// Images by http(s), within limits: 25 MB, 30 seconds, 5 redirects, none of which leads from the public Internet to a
// private address; the bytes of all of them that are held at once are bounded as well. What a server answers is not quoted: whoever passes messages on would tell what stands behind it.
import { shownUrl } from "@blip-ts/base";
import { unreachable } from "../../image/errors.ts";
import { BodyRoom, type BodyShare } from "./net/body-room.ts";
import { wholeBody, discard } from "./net/body.ts";
import { NetworkFailure, RefusedRedirect } from "./net/failure.ts";
import { usualLimits } from "./net/limits.ts";
import { request, type RequestOptions } from "./net/request.ts";

const maxBytes = 25_000_000;
const timeoutMilliseconds = 30_000;

/** Bytes of all images from addresses that are held, beside the first 2^20 of each: until they are decoded. */
export const fetchedImages = new BodyRoom(256e6);

export interface FetchImageOptions extends Pick<RequestOptions, "signal" | "env" | "resolve"> {
  /** Follows redirects from public to private addresses too. */
  readonly allowPrivateRedirects?: boolean | undefined;
  /** Its part of what all may hold: whoever opened it closes it when the bytes are held no more. */
  readonly share?: BodyShare | undefined;
  /** Milliseconds for all of it; tests make it short. */
  readonly timeout?: number | undefined;
}

/**
 * The bytes of an image.
 * @throws {InputError} `image/unreachable`, saying what the server did @throws {UsageError} `network/bad-proxy`
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
