// A server that runs the requests of its callers in batches: POST a picture to /match?text=...&text=..., JSON comes back.
// Without a port it asks itself: eight callers at once, and one who goes away.
// Run: npx tsx examples/09-serve.ts [PORT]
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { Batched, BlipError, InputError, Matcher } from "blip-ts";

await using matcher = await Matcher.fromPretrained("picture-book");
await using batched = new Batched(
  { matcher },
  {
    window: 5,
    onBatch: ({ group, requests }) => console.log(`${group}: ${requests} requests in a batch`),
  },
);

/** The picture that a request carries; 25 MB at most. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > 25_000_000) throw new RangeError("the picture is larger than 25 MB");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** 503 where the queue is full, 4xx where the request is wrong. */
function statusOf(error: unknown): number {
  if (error instanceof BlipError && error.code === "batch/full") return 503;
  if (error instanceof InputError) return 422;
  return error instanceof BlipError || error instanceof RangeError ? 400 : 500;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A caller who goes away takes the request back.
  const gone = new AbortController();
  response.on("close", () => gone.abort(new Error("the caller went away")));
  const reply = (status: number, body: object) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  try {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (request.method !== "POST" || pathname !== "/match") {
      reply(404, { error: { message: "POST /match?text=..." } });
      return;
    }
    const caller = request.headers["x-caller"];
    const rows = await batched.match(await bodyOf(request), searchParams.getAll("text"), {
      signal: gone.signal,
      caller: typeof caller === "string" ? caller : (request.socket.remoteAddress ?? ""),
    });
    reply(
      200,
      rows.map(({ text, probability, cosine }) => ({ text, probability, cosine })),
    );
  } catch (error) {
    if (gone.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    reply(statusOf(error), { error: { message } });
  }
}

const server = createServer((request, response) => void answer(request, response));
const port = Number(process.argv[2] ?? 0);
await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
const address = server.address();
if (typeof address !== "object" || address === null) throw new Error("the server has no address");
const url = `http://127.0.0.1:${address.port}/match`;
console.log(`listening on ${url}`);
if (process.argv[2] === undefined) await askItself(server);
else
  await new Promise((closed) => {
    process.once("SIGINT", () => server.close(closed));
  });

async function askItself(asked: Server): Promise<void> {
  const sentence = "a small sheep on a purple background";
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
  const refused = await fetch(`${url}?text=sheep`, { method: "POST", body: "no picture" });
  console.log(`${refused.status}: ${await refused.text()}`);
  await impatient;
  await new Promise((closed) => asked.close(closed));
}
