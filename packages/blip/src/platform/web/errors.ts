// Errors between a page and its files: one factory per error. Codes equal Node's if the failure is the same.
import { InputError, ModelError, UsageError, type Warning, shownName } from "@blip-ts/base";

/**
 * The name is neither a URL nor a Hub id.
 * @remedy Give the URL of a folder or of a weights file, picture-book, or a Hub id.
 */
export const notFound = (name: string): ModelError =>
  new ModelError(
    "model/not-found",
    `${name}: expected the URL of a folder or of a weights file, picture-book, or a Hub id (organisation/name). ` +
      "Relative URLs begin with ./, ../ or /.",
    { name },
  );

/**
 * The server has no such file.
 * @remedy Check the URL.
 */
export const nothingThere = (url: string, status: number): ModelError =>
  new ModelError(
    "model/not-found",
    `${shownName(url)}: the server answered ${status}: there is no such file. Check the URL.`,
    { url, status },
  );

/**
 * The folder's URL leads to no weights in a supported form.
 * @remedy Serve model.safetensors, pytorch_model.bin or model_index.json there; give the URL of a .pth itself.
 */
export const noWeights = (folder: string): ModelError =>
  new ModelError(
    "model/no-weights",
    `${folder}: expected model.safetensors, pytorch_model.bin, the .index.json of either or a suite's model_index.json in it, got none. ` +
      "A server does not list its files: give the URL of a .pth itself.",
    { folder },
  );

/**
 * The model is private or gated.
 * @remedy Accept its terms and set a token (`configure({ token })`), or serve the files yourself.
 */
export const unauthorized = (url: string, status: number): ModelError =>
  new ModelError(
    "hub/unauthorized",
    `${shownName(url)}: the server answered ${status}: the model is private or gated. Accept its terms and set a token ` +
      "(configure({ token })), or serve the files yourself.",
    { url, status },
  );

/**
 * A server answered with an unexpected status.
 * @remedy Try again later.
 */
export const httpStatus = (url: string, status: number): ModelError =>
  new ModelError("hub/http-status", `${shownName(url)}: the server answered ${status}: try again later`, {
    url,
    status,
  });

/**
 * The file cannot be fetched, and the browser's cache does not hold it. Browsers do not say whether the network or
 * CORS is the cause.
 * @remedy Check the network, and that the server sends Access-Control-Allow-Origin.
 */
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

/**
 * The file is not complete in the browser's cache, and offline mode makes no request.
 * @remedy Load it once without `offline`.
 */
export const offline = (url: string): ModelError =>
  new ModelError(
    "hub/offline",
    `${shownName(url)} is not complete in the browser's cache, and offline mode makes no request. Load it once without offline.`,
    { url },
  );

/**
 * The file on the server was replaced while it was read.
 * @remedy Load the model again.
 */
export const changed = (url: string): ModelError =>
  new ModelError(
    "model/changed",
    `${shownName(url)} has changed since its reading began: load the model again`,
    { url },
  );

/**
 * The server does not support range requests, and the whole file is larger than the limit.
 * @remedy Serve it from a server with HTTP range requests.
 */
export const tooLarge = (url: string, limit: number): ModelError =>
  new ModelError(
    "model/too-large",
    `${shownName(url)}: its server does not support HTTP range requests, and the whole file has more than ${limit} bytes. ` +
      "Serve it from one that does.",
    { url, limit },
  );

/**
 * Reading a file of the model failed.
 * @remedy Check the network, and load it again.
 */
export const readFailed = (url: string, detail: string, cause?: unknown): ModelError =>
  new ModelError("model/read-failed", `${shownName(url)}: ${detail}`, { url, detail }, { cause });

export const brokenOff = (url: string, at: number, cause?: unknown): ModelError =>
  readFailed(url, `its connection broke at byte ${at}: check the network, and load it again`, cause);

/**
 * A page tried to write a folder, which browsers cannot do.
 * @remedy Do this in Node, e.g. with `npx blip-ts convert`.
 */
export const noFolders = (path: string): UsageError =>
  new UsageError(
    "save/cannot-write",
    `${path}: expected a file system, got a page, which has none. Do this in Node, e.g. npx blip-ts convert.`,
    { path },
  );

/**
 * The canvas holds an image of another site, whose pixels a page may not read.
 * @remedy Load that image with `crossOrigin = "anonymous"` from a server that allows it.
 */
export const tainted = (cause: unknown): InputError =>
  new InputError(
    "image/unreachable",
    "the canvas holds an image of another site, whose pixels a page may not read (CORS). Load that image with " +
      'crossOrigin = "anonymous" from a server that allows it.',
    {},
    { cause },
  );

/**
 * A server cannot be reached, so a file of the model is taken from the browser's cache.
 * @remedy None is needed; check the network if you expect a newer model.
 */
export const takenFromCache = (url: string): Warning => ({
  code: "hub/from-cache",
  message: `${url} cannot be fetched: it is taken from the browser's cache`,
});

/**
 * The worker for large images cannot be started, so they are decoded on the page's own thread.
 * @remedy Serve `web-image-worker.js` beside the script, or name it with `configure({ imageWorker })`.
 */
export const noImageWorker = (name: string): Warning => ({
  code: "image/no-worker",
  message:
    `${name}: the worker for large images cannot be started, so the page freezes while this image is decoded. Put this ` +
    "package's dist/web-image-worker.js beside your script, or name it with configure({ imageWorker }).",
});
