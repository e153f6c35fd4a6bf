// A local server that speaks the Hub's protocol, unless a test answers a request itself.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const hubId = "someone/blip-tiny";
export const hubCommit = "0123456789abcdef0123456789abcdef01234567";

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
export const gitSha = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** A parsed request. */
export interface HubRequest {
  readonly kind: "list" | "head" | "get";
  /** The file of `head` and `get`. */
  readonly file: string;
  /** The first requested byte. */
  readonly from: number;
  readonly url: string;
  readonly authorization: string | undefined;
}

/** Answers a request, or leaves it to the hub. @returns whether it answered */
export type Answerer = (request: HubRequest, response: ServerResponse) => boolean;

export interface ScriptedHub extends AsyncDisposable {
  readonly origin: string;
  readonly files: Map<string, Buffer>;
  /** All requests, in order. */
  readonly requests: HubRequest[];
  /** Called first for each request; tests set it. */
  answer: Answerer;
  /** The files that were sent, each with its first byte. */
  sent(): string[];
  close(): Promise<void>;
}

function parse({ url: whole = "", method, headers }: IncomingMessage): HubRequest {
  const url = whole.replace(/\?.*$/, "");
  const isList = url.startsWith("/api/models/");
  const kind = isList ? "list" : method === "HEAD" ? "head" : "get";
  const from = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
  const file = decodeURIComponent(/\/resolve\/[^/]+\/(.+)$/.exec(url)?.[1] ?? url.split("/").at(-1) ?? "");
  return { kind, file, from, url, authorization: headers.authorization };
}

/** The ETag of a file. As on the Hub, small files use git's hash, large ones sha256. */
export const etagOf = (bytes: Uint8Array): string => (bytes.length < 1000 ? gitSha(bytes) : sha256(bytes));

function answerAsHub(
  files: ReadonlyMap<string, Buffer>,
  request: HubRequest,
  response: ServerResponse,
): void {
  const { kind, file, from } = request;
  if (kind === "list") {
    const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ sha: hubCommit, siblings }));
    return;
  }
  const bytes = files.get(file);
  if (!bytes) {
    response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    return;
  }
  const facts = { etag: `"${etagOf(bytes)}"`, "accept-ranges": "bytes" };
  const part = bytes.subarray(from);
  const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(from > 0 && kind === "get" ? 206 : 200, {
    ...facts,
    ...(kind === "get" ? range : {}),
    "content-length": kind === "get" ? part.length : bytes.length,
  });
  response.end(kind === "head" ? undefined : part);
}

export async function serveScriptedHub(files: Readonly<Record<string, Uint8Array>>): Promise<ScriptedHub> {
  const held = new Map(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes)]));
  const requests: HubRequest[] = [];
  const server = createServer((message, response) => {
    const request = parse(message);
    requests.push(request);
    if (!hub.answer(request, response)) answerAsHub(held, request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const hub: ScriptedHub = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ files: held, requests, close },
    answer: () => false,
    sent: () => requests.filter(({ kind }) => kind === "get").map(({ file, from }) => `${file}@${from}`),
    [Symbol.asyncDispose]: close,
  };
  return hub;
}
