// Errors of accessing the Hub: one factory per error. Codes are `hub/...`. Messages hold the caller's input and the
// system's errors. They never hold a server's content except checked names, and no credentials.
import { ModelError, UsageError, type Warning } from "@blip-ts/base";
import { failureOf, NetworkFailure } from "../net/failure.ts";

/**
 * The name is not that of a model on the Hub.
 * @remedy Give organisation/name, such as Salesforce/blip-itm-base-flickr.
 */
export const badId = (id: string): ModelError =>
  new ModelError(
    "hub/bad-id",
    `"${id}" is not a Hub id: expected organisation/name, such as Salesforce/blip-itm-base-flickr`,
    {
      id,
    },
  );

/**
 * HF_ENDPOINT is not the address of a server.
 * @remedy Set it to an http:// or https:// address, or unset it.
 */
export const badEndpoint = (): UsageError =>
  new UsageError(
    "hub/bad-endpoint",
    "HF_ENDPOINT: expected the http:// or https:// address of a server, got something else. " +
      "Set it to one such as https://huggingface.co, or unset it.",
  );

/**
 * HF_TOKEN holds characters that a token cannot have.
 * @remedy Copy the token again.
 */
export const badToken = (): UsageError =>
  new UsageError(
    "hub/bad-token",
    "HF_TOKEN: expected printable ASCII characters, got others (a line break within it, or a typographic quotation " +
      "mark). Copy the token again.",
  );

/** The endpoint and the token's state. */
interface Asked {
  readonly endpoint: string;
  readonly hasToken: boolean;
  /** Whether the Hub itself gave this answer. */
  readonly isCertain: boolean;
}

/**
 * The Hub has no such model, or it is private: the Hub does not say which.
 * @remedy Check the spelling; for a private model set HF_TOKEN to a token that may read it.
 */
export const repositoryNotFound = (id: string, { endpoint, hasToken, isCertain }: Asked): ModelError =>
  new ModelError(
    "hub/not-found",
    `${id}: ${endpoint} has no such model, or it is private. Check the spelling` +
      (hasToken ? ", and that the token may read it." : "; for a private model set HF_TOKEN."),
    { id, endpoint, isCertain },
  );

/**
 * The model has no such branch, tag or commit.
 * @remedy Check the revision on the Hub's page of the model.
 */
export const revisionNotFound = (id: string, revision: string): ModelError =>
  new ModelError("hub/revision-not-found", `${id} has no branch, tag or commit "${revision}"`, {
    id,
    revision,
  });

/**
 * The Hub refused the token.
 * @remedy Make a new token, or unset HF_TOKEN.
 */
export const unauthorized = (id: string, isCertain: boolean): ModelError =>
  new ModelError("hub/unauthorized", `${id}: the token (HF_TOKEN) was refused: make a new one, or unset it`, {
    ...{ id, isCertain },
  });

/**
 * The model is gated.
 * @remedy Accept its terms on its page, then set HF_TOKEN to a token of that account.
 */
export const gated = (id: string, endpoint: string): ModelError =>
  new ModelError(
    "hub/gated",
    `${id} is gated: accept its terms at ${endpoint}/${id}, then set HF_TOKEN to a token of that account`,
    { id },
  );

/**
 * A server answered with an unexpected status.
 * @remedy Try again later.
 */
export const httpStatus = (what: string, status: number): ModelError =>
  new ModelError("hub/http-status", `${what}: the server answered ${status}: try again later`, {
    what,
    status,
  });

/**
 * The answer does not follow the Hub's protocol; a sign-in page or a proxy may have answered.
 * @remedy Check the network and HF_ENDPOINT.
 * @param detail the deviation from the protocol, in this package's own words
 */
export const badAnswer = (what: string, detail: string): ModelError =>
  new ModelError(
    "hub/bad-answer",
    `${what}: expected an answer of a Hub, got ${detail}. Check the network (a sign-in page, a proxy) and HF_ENDPOINT.`,
    { what, detail },
  );

/**
 * A file on the Hub is larger than any model; it was not fetched.
 * @remedy Download it elsewhere if you trust it, and give its path.
 */
export const fileTooLarge = (what: string, size: number, limit: number): ModelError =>
  new ModelError(
    "hub/file-too-large",
    `${what}: expected a file of at most ${limit} bytes, got one of ${size}, which was not fetched. ` +
      "Download it elsewhere if you trust it, and give its path.",
    { what, size, limit },
  );

/**
 * A server redirects to an address that is not followed, such as a private one.
 * @remedy Allow it with `allowPrivateRedirects` (`--allow-private-redirects`) if you trust the server.
 * @param detail the server's action: "redirects to ..."
 */
export const refusedRedirect = (what: string, detail: string): ModelError =>
  new ModelError("hub/refused-redirect", `${what}: the server ${detail}.`, { what });

/**
 * The cache of models cannot be written.
 * @remedy Free some disk space, change its permissions, or name another folder with HF_HOME.
 */
export const cannotWrite = (folder: string, cause: unknown): ModelError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new ModelError(
    "hub/cannot-write",
    `${folder}: expected a cache that can be written, got ${code}${full ? " (the disk is full)" : ""}. ` +
      `${full ? "Free some room" : "Change its permissions"}, or name another place with HF_HOME.`,
    { folder, code },
    { cause },
  );
};

/**
 * The server cannot be reached, and the cache does not hold the model.
 * @remedy Check the network, or download the files elsewhere and give their folder.
 */
export const unreachable = (endpoint: string, what: string, cause: unknown): ModelError =>
  new ModelError(
    "hub/unreachable",
    `${what}: ${endpoint} cannot be reached (${reason(cause)}), and the cache does not hold the model. ` +
      "Check the network, or download the files elsewhere and give their folder.",
    { endpoint, what },
    { cause },
  );

/**
 * The model is not complete in the cache, and offline mode makes no request.
 * @remedy Run once without `offline` (`--offline`, HF_HUB_OFFLINE), or give the folder of the files.
 */
export const offline = (id: string, revision: string, folder: string): ModelError =>
  new ModelError(
    "hub/offline",
    `${id} (${revision}) is not complete in the cache, and offline mode makes no request. It was looked for in ${folder}. ` +
      "Run once without offline: true (HF_HUB_OFFLINE), or give the folder of the files.",
    { id, revision, folder },
  );

/**
 * A download has another size or checksum than the server announced; it was deleted.
 * @remedy Try again.
 */
export const corrupt = (
  file: string,
  what: string,
  expected: string | number,
  found: string | number,
): ModelError =>
  new ModelError(
    "hub/corrupt-download",
    `${file}: expected a download with the ${what} ${expected}, got ${found}. It was deleted: try again.`,
    { file, what, expected, found },
  );

/**
 * The repository holds no weights in a supported form.
 * @remedy Give a model with model.safetensors, pytorch_model.bin, one .pth file, or model_index.json of a suite.
 */
export const noWeights = (id: string, files: readonly string[]): ModelError =>
  new ModelError(
    "hub/no-weights",
    `${id}: expected model.safetensors, pytorch_model.bin, the .index.json of either, one .pth file or a suite's model_index.json, got ` +
      (files.slice(0, 12).join(", ") || "no files"),
    { id, files },
  );

/**
 * The address is not that of a weights file.
 * @remedy Give the file's own address, or a Hub id.
 */
export const notWeights = (address: string): UsageError =>
  new UsageError(
    "hub/not-a-weights-file",
    `${address}: expected the address of a weights file (.safetensors, .bin, .pt or .pth), got another one. ` +
      "Give the file's own address, or a Hub id (organisation/name).",
    { address },
  );

/**
 * There is no file at this address, or it is not public.
 * @remedy Check the address.
 */
export const fileNotFound = (address: string, status: number): ModelError =>
  new ModelError(
    "hub/not-found",
    `${address}: the server answered ${status}: there is no such file, or it is not public. Check the address.`,
    { address, status },
  );

/**
 * The file is not complete in the cache, and offline mode makes no request.
 * @remedy Run once without `offline`, or give the path of the file.
 */
export const fileOffline = (address: string, folder: string): ModelError =>
  new ModelError(
    "hub/offline",
    `${address} is not complete in the cache, and offline mode makes no request. It was looked for in ${folder}. ` +
      "Run once without offline: true (HF_HUB_OFFLINE), or give the path of the file.",
    { address, folder },
  );

/** The reason a request failed, in this package's own words or as the system's code. */
export const reason = (error: unknown): string =>
  error instanceof ModelError ? error.message.replace(/\.$/, "") : failureOf(error).message;

const faults = new Set([
  ...["hub/http-status", "hub/bad-answer", "hub/corrupt-download", "hub/refused-redirect"],
  ...["hub/file-too-large", "hub/cannot-write", "model/side-file-too-large"],
]);

/**
 * Whether a server, or whatever answers in its place, misbehaves. Then the cached files are still usable. That a model
 * is private, gated or removed is a valid answer, not a fault.
 */
export function isHubsFault(error: unknown): boolean {
  if (error instanceof NetworkFailure) return true;
  return error instanceof ModelError && (faults.has(error.code) || error.fields.isCertain === false);
}

/**
 * A server cannot be reached, or does not answer as it should, so the model is taken from the cache.
 * @remedy None is needed; check the network if you expect a newer model.
 */
export const takenFromCache = (what: string, endpoint: string, error: unknown): Warning => ({
  code: "hub/from-cache",
  message:
    error instanceof NetworkFailure
      ? `${endpoint} cannot be reached (${reason(error)}): ${what} is taken from the cache`
      : `${reason(error)}. ${what} is taken from the cache`,
});

/**
 * The revision cannot be the name of a branch, a tag or a commit.
 * @remedy Give its name as the Hub shows it.
 */
export const badRevision = (revision: string): UsageError =>
  new UsageError(
    "hub/bad-revision",
    "revision: expected a branch, a tag or a commit, got an invalid name (an empty part, .., a backslash, a colon, " +
      "a name that Windows reserves, or a control character). Give its name as the Hub shows it.",
    { revision },
  );
