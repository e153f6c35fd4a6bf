// A server that batches the requests of its callers: POST an image to /match?text=...&text=..., get JSON. Child
// processes decode images, uploads are limited in bytes and time, and SIGTERM or SIGINT drains the server. Without a
// port it sends requests to itself: eight callers at once, and one that disconnects.
// Run: npx tsx examples/09-serve.ts [PORT]
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Batched, BlipError, InputError, Matcher } from "blip-ts";

/** The most bytes of one upload, and of all uploads in memory. */
const mostBytes = 25_000_000;
const mostBytesTogether = 200_000_000;
/**
 * Milliseconds that an upload may take, that uploads may take once the server drains, and after which open requests are
 * reset.
 */
const uploadMilliseconds = 15_000;
const lastUploadMilliseconds = 2000;
const drainMilliseconds = 30_000;

await using matcher = await Matcher.fromPretrained("picture-book");
await using batched = new Batched(
  { matcher },
  {
    window: 5,
    onBatch: ({ group, requests }) => console.log(`${group}: ${requests} requests in a batch`),
  },
);

/** A request that the server refuses with a particular status. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const tooLarge = () => new Refusal(413, `the upload is larger than ${mostBytes} bytes`);
const busy = () => new Refusal(429, "the server is busy: try again in a second");

let bytesHere = 0;
let draining = false;
const uploads = new Set<IncomingMessage>();

/** Reads the body of a request. Excess bytes are read and dropped, so that the sender receives the reply. */
function bodyOf(request: IncomingMessage, hold: (bytes: number) => void): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  let refused = false;
  return new Promise<Buffer>((resolve, reject) => {
    const refuse = (why: Refusal) => {
      refused = true;
      parts.length = 0;
      reject(why);
    };
    if (Number(request.headers["content-length"] ?? 0) > mostBytes) refuse(tooLarge());
    request.on("data", (part: Buffer) => {
      if (refused) return;
      size += part.length;
      if (size > mostBytes) refuse(tooLarge());
      else if (bytesHere + part.length > mostBytesTogether) refuse(busy());
      else {
        hold(part.length);
        parts.push(part);
      }
    });
    request.on("end", () => resolve(Buffer.concat(parts)));
    request.on("close", () => reject(new Refusal(400, "the upload broke off")));
  });
}

/** Uses the image in a request's body. Its bytes count as held until the work is done. */
async function withBody<T>(request: IncomingMessage, use: (body: Uint8Array) => Promise<T>): Promise<T> {
  let held = 0;
  const hold = (bytes: number) => {
    held += bytes;
    bytesHere += bytes;
  };
  uploads.add(request);
  try {
    const body = await bodyOf(request, hold);
    uploads.delete(request);
    return await use(body);
  } finally {
    uploads.delete(request);
    bytesHere -= held;
  }
}

/**
 * 413 for uploads that are too large, 422 for invalid images or texts, 429 when the queue is full, 400 for other
 * mistakes.
 */
function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  if (!(error instanceof BlipError)) return 500;
  if (error.code === "batch/full") return 429;
  if (error.code === "image/too-large") return 413;
  return error instanceof InputError ? 422 : 400;
}

/** The texts of a request. @throws {Refusal} */
function textsOf({ method, url = "/" }: IncomingMessage): string[] {
  let address: URL;
  try {
    address = new URL(url, "http://localhost");
  } catch {
    throw new Refusal(400, "expected an address: POST /match?text=...");
  }
  if (address.pathname !== "/match") throw new Refusal(404, "expected POST /match?text=...");
  if (method !== "POST") throw new Refusal(405, "expected POST /match?text=...");
  return address.searchParams.getAll("text");
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A caller that disconnects cancels its request.
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the caller went away")));
  const reply = (status: number, body: object, headers: Record<string, string> = {}) => {
    const last = draining ? { connection: "close" } : {};
    response.writeHead(status, { "content-type": "application/json", ...last, ...headers });
    response.end(JSON.stringify(body));
  };
  try {
    const texts = textsOf(request);
    // Callers take turns. A trusted gateway sets this header; without a gateway any client can forge it.
    const { "x-caller": named } = request.headers;
    const caller = typeof named === "string" ? named : (request.socket.remoteAddress ?? "");
    const rows = await withBody(request, (body) =>
      batched.match(body, texts, { signal: gone.signal, caller }),
    );
    reply(
      200,
      rows.map(({ text, probability, cosine }) => ({ text, probability, cosine })),
    );
  } catch (error) {
    if (gone.signal.aborted) return;
    const status = statusOf(error);
    const message = status === 500 || !(error instanceof Error) ? "the server failed" : error.message;
    if (status === 500) console.error(error);
    reply(status, { error: { message } }, status === 429 ? { "retry-after": "1" } : {});
  }
}

const server = createServer(
  {
    requestTimeout: uploadMilliseconds,
    headersTimeout: uploadMilliseconds,
    connectionsCheckingInterval: 1000,
  },
  (request, response) => void answer(request, response),
);
const port = Number(process.argv[2] ?? 0);
await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
const address = server.address();
if (typeof address !== "object" || address === null) throw new Error("the server has no address");
const url = `http://127.0.0.1:${address.port}/match`;
console.log(`listening on ${url}`);
if (process.argv[2] === undefined) await askItself(server);
else await drained(server);

/** Waits for a signal, then ends the server once the open requests are answered. */
async function drained(ending: Server): Promise<void> {
  await new Promise<void>((asked) => {
    for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => asked());
  });
  console.log("draining");
  draining = true;
  // Also answers connections that the system has already accepted; then it accepts no more.
  await setTimeout(500);
  const closed = new Promise((done) => ending.close(done));
  await Promise.race([closed, setTimeout(lastUploadMilliseconds)]);
  for (const upload of uploads) upload.destroy();
  await Promise.race([closed, setTimeout(drainMilliseconds, undefined, { ref: false })]);
  ending.closeAllConnections();
  await closed;
}

async function askItself(asked: Server): Promise<void> {
  const sentence = "a lemon to the right of a light bulb in a forest";
  const post = async (scene: string, signal?: AbortSignal) => {
    const body = await readFile(fileURLToPath(new URL(`scenes/${scene}.png`, import.meta.url)));
    const query = new URLSearchParams({ text: sentence });
    return fetch(`${url}?${query.toString()}`, { method: "POST", body, ...(signal && { signal }) });
  };
  const impatient = post("01", AbortSignal.timeout(1)).catch(() => console.log("one caller went away"));
  const scenes = ["01", "02", "03", "04", "05", "06", "07", "08"];
  const responses = await Promise.all(scenes.map((scene) => post(scene)));
  for (const [index, response] of responses.entries()) {
    const [row] = (await response.json()) as { text: string; probability: number }[];
    if (row) console.log(`${scenes[index] ?? ""}.png  ${(row.probability * 100).toFixed(1)} %  ${row.text}`);
  }
  const refused = await fetch(`${url}?text=lemon`, { method: "POST", body: "no image" });
  console.log(`${refused.status}: ${await refused.text()}`);
  await impatient;
  await new Promise((closed) => asked.close(closed));
}
