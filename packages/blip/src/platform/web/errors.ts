// What can go wrong between a page and its files: one factory a failure. Codes are those of Node where the failure is
// the same.
import { InputError, ModelError, shownName, UsageError } from "@blip-ts/base";

export const notFound = (name: string): ModelError =>
  new ModelError(
    "model/not-found",
    `${name}: expected the URL of a folder or of a weights file, picture-book, or a Hub id (organisation/name). ` +
      "Relative URLs begin with ./, ../ or /.",
    { name },
  );

export const nothingThere = (url: string, status: number): ModelError =>
  new ModelError(
    "model/not-found",
    `${shownName(url)}: the server answered ${status}: there is no such file. Check the URL.`,
    { url, status },
  );

export const noWeights = (folder: string): ModelError =>
  new ModelError(
    "model/no-weights",
    `${folder}: expected model.safetensors, pytorch_model.bin, the .index.json of either or a suite's model_index.json in it, found none. ` +
      "A server does not list its files: give the URL of a .pth itself.",
    { folder },
  );

export const unauthorized = (url: string, status: number): ModelError =>
  new ModelError(
    "hub/unauthorized",
    `${shownName(url)}: the server answered ${status}: the model is private or gated. Accept its terms and set a token ` +
      "(configure({ token })), or serve the files yourself.",
    { url, status },
  );

export const httpStatus = (url: string, status: number): ModelError =>
  new ModelError("hub/http-status", `${shownName(url)}: the server answered ${status}: try again later`, {
    url,
    status,
  });

/** A page is not told whether the network failed or the server does not share: both are named. */
export const unreachable = (url: string, cause: unknown): ModelError => {
  const { origin } = new URL(document.baseURI);
  const other = new URL(url).origin !== origin;
  return new ModelError(
    "hub/unreachable",
    `${shownName(url)} cannot be fetched, and the cache does not hold it. Check the network` +
      (other
        ? `, and that the server lets pages of ${origin} read it: its answer needs the header ` +
          `Access-Control-Allow-Origin (CORS). Files of the page's own server need none.`
        : "."),
    { url, origin },
    { cause },
  );
};

export const offline = (url: string): ModelError =>
  new ModelError(
    "hub/offline",
    `${shownName(url)} is not whole in the browser's cache, and offline mode makes no request. Load it once without offline.`,
    { url },
  );

export const changed = (url: string): ModelError =>
  new ModelError(
    "model/changed",
    `${shownName(url)} is another file than when its reading began: load the model again`,
    { url },
  );

export const tooLarge = (url: string, limit: number): ModelError =>
  new ModelError(
    "model/too-large",
    `${shownName(url)}: its server sends no parts of files (HTTP range requests), and the whole has more than ${limit} bytes. ` +
      "Serve it from one that does.",
    { url, limit },
  );

export const readFailed = (url: string, detail: string, cause?: unknown): ModelError =>
  new ModelError("model/read-failed", `${shownName(url)}: ${detail}`, { url, detail }, { cause });

export const brokenOff = (url: string, at: number, cause?: unknown): ModelError =>
  readFailed(url, `its connection broke off at byte ${at}: check the network, and load it again`, cause);

export const noFolders = (path: string): UsageError =>
  new UsageError(
    "save/cannot-write",
    `${path}: expected a place for a folder, but a page has none. Do this in Node, e.g. npx blip-ts convert.`,
    { path },
  );

export const tainted = (cause: unknown): InputError =>
  new InputError(
    "image/unreachable",
    "the canvas holds an image of another site, whose pixels a page may not read (CORS). Load that image with " +
      'crossOrigin = "anonymous" from a server that allows it.',
    {},
    { cause },
  );
