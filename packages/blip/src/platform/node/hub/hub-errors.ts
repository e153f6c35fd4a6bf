// What can go wrong between here and the Hub: one factory a failure. Codes are `hub/...`.
import { ModelError } from "@blip-ts/base";

export const badId = (id: string): ModelError =>
  new ModelError(
    "hub/bad-id",
    `"${id}" is no Hub id: expected organisation/name, such as Salesforce/blip-itm-base-flickr`,
    {
      id,
    },
  );

/** The Hub answers 401 for what is private and for what does not exist alike. */
export const repositoryNotFound = (id: string, endpoint: string, hasToken: boolean): ModelError =>
  new ModelError(
    "hub/not-found",
    `${id}: ${endpoint} has no such model, or it is private. Check the spelling` +
      (hasToken ? ", and that the token may read it." : "; for a private model set HF_TOKEN."),
    { id, endpoint },
  );

export const revisionNotFound = (id: string, revision: string): ModelError =>
  new ModelError("hub/revision-not-found", `${id} has no branch, tag or commit "${revision}"`, {
    id,
    revision,
  });

export const unauthorized = (id: string): ModelError =>
  new ModelError("hub/unauthorized", `${id}: the token (HF_TOKEN) was refused: make a new one, or unset it`, {
    id,
  });

export const gated = (id: string, endpoint: string): ModelError =>
  new ModelError(
    "hub/gated",
    `${id} is gated: accept its terms at ${endpoint}/${id}, then set HF_TOKEN to a token of that account`,
    { id },
  );

export const httpStatus = (what: string, status: number): ModelError =>
  new ModelError("hub/http-status", `${what}: the server answered ${status}: try again later`, {
    what,
    status,
  });

export const unreachable = (endpoint: string, what: string, cause: unknown): ModelError =>
  new ModelError(
    "hub/unreachable",
    `${what}: ${endpoint} cannot be reached (${reason(cause)}), and the cache does not hold the model. ` +
      "Check the network, or download the files elsewhere and give their folder.",
    { endpoint, what },
    { cause },
  );

export const offline = (id: string, revision: string, folder: string): ModelError =>
  new ModelError(
    "hub/offline",
    `${id} (${revision}) is not whole in the cache, and offline mode makes no request. CrossAttentionOutputs in ${folder}. ` +
      "Run once without --offline (HF_HUB_OFFLINE), or give the folder of the files.",
    { id, revision, folder },
  );

export const corrupt = (
  file: string,
  what: string,
  expected: string | number,
  found: string | number,
): ModelError =>
  new ModelError(
    "hub/corrupt-download",
    `${file}: the download has the ${what} ${found}, expected ${expected}. It was thrown away: try again.`,
    { file, what, expected, found },
  );

export const noWeights = (id: string, files: readonly string[]): ModelError =>
  new ModelError(
    "hub/no-weights",
    `${id} has no model.safetensors (or its index), no pytorch_model.bin, not one single .pth and no model_index.json of a suite; it has ` +
      (files.slice(0, 12).join(", ") || "no files"),
    { id, files },
  );

/** The innermost message of a failed fetch. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}
