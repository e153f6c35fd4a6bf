// Answers of a hub that is not what it should be: lists, heads, bodies, redirects, ranges, etags and raw bytes, each near
// what a Hub says. Whatever it answers, nothing but a BlipError comes out, nothing is written beside the cache, what is
// given has the bytes that were promised, and a hub that is as it should be gets the model loaded right afterwards.
import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { BlipError, must } from "@blip-ts/base";
import { downloadModel } from "../../src/platform/node/hub/download-model.ts";
import { openUrlModel } from "../../src/platform/node/hub/url-model.ts";
import { usualLimits } from "../../src/platform/node/net/limits.ts";
import {
  etagOf,
  gitSha,
  hubCommit,
  hubId,
  serveScriptedHub,
  sha256,
  type HubRequest,
  type ScriptedHub,
} from "../support/scripted-hub.ts";

/** Numbers that a seed decides (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<T>(list: readonly T[]): T {
    return must(list, this.below(list.length));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }
}

const weights = Buffer.alloc(20_000, "weights ");
const files = {
  "config.json": Buffer.from('{"model_type": "blip"}'),
  "vocab.txt": Buffer.from("[PAD]\n[UNK]\n"),
  "pytorch_model.bin": weights,
};
const otherCommit = "f".repeat(40);

const names = [
  ...["config.json", "vocab.txt", "pytorch_model.bin", "model.safetensors", "model.safetensors.index.json"],
  ...[
    "model_index.json",
    "x.pth",
    "y.pth",
    "a/b.pth",
    "../x.pth",
    "..\\x.pth",
    "C:\\x.pth",
    "/etc/x.pth",
    "nul.pth",
  ],
  ...["x.pth.", "", ".", "..", "a\0b.pth", "\ud800.pth", "\u202ex.pth", "tokenizer.json", "x".repeat(3000)],
];
const oddValues: readonly unknown[] = [
  ...[null, true, 0, -1, 0.5, 1e400, "", "x", [], {}, [null], { rfilename: null }, { rfilename: 7 }],
  ...[
    { rfilename: { toString: 1 } },
    ["config.json"],
    hubCommit.toUpperCase(),
    `${hubCommit}0`,
    "../..",
    "main",
  ],
];

/** Text that a list may be. */
function listText(dice: Dice): string {
  const siblings = Array.from({ length: dice.below(8) }, () =>
    dice.chance(0.8) ? { rfilename: dice.pick(names) } : dice.pick(oddValues),
  );
  const json: Record<string, unknown> = {
    // Never the commit that is loaded afterwards: a hub may say of a commit what it likes.
    sha: dice.chance(0.8) ? dice.pick([otherCommit, otherCommit, "a".repeat(40)]) : dice.pick(oddValues),
    siblings: dice.chance(0.85) ? siblings : dice.pick(oddValues),
  };
  if (dice.chance(0.1)) json.__proto__ = dice.pick(oddValues);
  const text = JSON.stringify(json);
  const kind = dice.below(12);
  if (kind === 0) return text.slice(0, dice.below(text.length));
  if (kind === 1) return "[".repeat(dice.below(100_000));
  if (kind === 2) return "<!doctype html><title>Sign in</title>";
  if (kind === 3) return JSON.stringify(dice.pick(oddValues));
  if (kind === 4) return `\ufeff${text}`;
  return text;
}

const etags = [
  ...[
    '"abc"',
    'W/"abc"',
    "",
    '""',
    '"."',
    '".."',
    '"a/b"',
    '"..\\\\x"',
    '"nul"',
    `"${"x".repeat(5000)}"`,
    '"a b"',
    '"%2e%2e"',
  ],
  ...[
    `"${"0".repeat(40)}"`,
    `"${"0".repeat(64)}"`,
    `"${etagOf(weights)}"`,
    `"${etagOf(files["config.json"])}"`,
  ],
];
const sizes = [
  "0",
  "1",
  "22",
  "20000",
  "19999",
  "20010",
  "-5",
  "1e3",
  "0x10",
  "999999999999999",
  "99999999999999999999",
  "",
  "x",
  "2.5",
];
const statuses = [
  200, 200, 200, 201, 204, 206, 301, 302, 307, 304, 400, 401, 403, 404, 410, 416, 418, 429, 500, 503, 511,
];
const codes = ["GatedRepo", "RepoNotFound", "RevisionNotFound", "EntryNotFound", "\u001b[31m", ""];

/** Where a redirect may lead: to this hub and to nobody else that answers. */
const locations = (hub: ScriptedHub): readonly string[] => [
  ...[
    "/elsewhere",
    "relative",
    "//127.0.0.1:1/x",
    "",
    "http://[",
    "file:///etc/passwd",
    "data:,x",
    "javascript:1",
  ],
  ...["http://169.254.169.254/latest", "http://0.0.0.0:1/", "http://127.0.0.1:1/", "http://2130706433:1/"],
  ...[`${hub.origin}/x`, `${hub.origin}/someone/blip-tiny/resolve/${otherCommit}/pytorch_model.bin`],
  `http://user:secret@${hub.origin.slice(7)}/x`,
];

type Headers = Record<string, string>;

function headersFor(dice: Dice, request: HubRequest, hub: ScriptedHub): Headers {
  const bytes = hub.files.get(request.file) ?? weights;
  const headers: Headers = {};
  if (dice.chance(0.7)) headers.etag = dice.chance(0.5) ? `"${etagOf(bytes)}"` : dice.pick(etags);
  if (dice.chance(0.3)) headers["x-linked-etag"] = dice.chance(0.5) ? `"${etagOf(bytes)}"` : dice.pick(etags);
  if (dice.chance(0.3)) headers["x-linked-size"] = dice.chance(0.5) ? String(bytes.length) : dice.pick(sizes);
  if (dice.chance(0.2)) headers["x-error-code"] = dice.pick(codes);
  if (dice.chance(0.2)) headers.location = dice.pick(locations(hub));
  if (dice.chance(0.1))
    headers["retry-after"] = dice.pick(["0", "-1", "x", "Wed, 21 Oct 2015 07:28:00 GMT", "0.0"]);
  if (dice.chance(0.1)) headers["content-encoding"] = dice.pick(["gzip", "br", "identity", "x"]);
  if (dice.chance(0.1))
    headers["x-goog-hash"] = dice.pick(["md5=AAAAAAAAAAAAAAAAAAAAAA==", "md5=", "crc32c=x"]);
  if (dice.chance(0.3)) {
    const total = dice.pick([String(bytes.length), "*", "1", "x"]);
    headers["content-range"] =
      `bytes ${dice.pick([String(request.from), "0", "7", "x"])}-${dice.below(30_000)}/${total}`;
  }
  return headers;
}

function bodyFor(dice: Dice, request: HubRequest, hub: ScriptedHub): Buffer {
  if (request.kind === "list") return Buffer.from(listText(dice));
  const bytes = (hub.files.get(request.file) ?? weights).subarray(dice.chance(0.7) ? request.from : 0);
  const kind = dice.below(8);
  if (kind === 0) return bytes.subarray(0, dice.below(bytes.length + 1));
  if (kind === 1) return Buffer.concat([bytes, Buffer.alloc(1 + dice.below(100))]);
  if (kind === 2) return Buffer.from(Uint8Array.from(bytes, (byte, at) => (at === 0 ? byte ^ 1 : byte)));
  return bytes;
}

/** Bytes that are no answer of HTTP, or hardly one. */
function rawAnswer(dice: Dice): string {
  return dice.pick([
    ...[
      "",
      "\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "HTTP/1.1 200",
      "HTTP/1.1 999 x\r\n\r\n",
      "HTTP/1.1 -1 x\r\n\r\n",
    ],
    ...[
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 200 \u001b[31m\r\nlocation: \u0001\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ...[
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nabcdefg",
      "HTTP/1.0 200 OK\r\n\r\n{",
    ],
    ...[
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 302 x\r\nlocation: \r\n\r\n",
    ],
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  ]);
}

function misanswer(dice: Dice, hub: ScriptedHub, request: HubRequest, response: ServerResponse): void {
  if (dice.chance(0.06)) {
    response.socket?.end(rawAnswer(dice), "latin1");
    return;
  }
  if (dice.chance(0.03)) {
    response.destroy();
    return;
  }
  const headers = headersFor(dice, request, hub);
  const body = bodyFor(dice, request, hub);
  const good = request.from > 0 && request.kind === "get" ? 206 : 200;
  const redirects = headers.location !== undefined && dice.chance(0.6);
  const status = redirects
    ? dice.pick([301, 302, 303, 307, 308])
    : dice.chance(0.7)
      ? good
      : dice.pick(statuses);
  for (const [name, value] of Object.entries(headers)) {
    try {
      response.setHeader(name, value);
    } catch {
      // Node sends no such header.
    }
  }
  if (request.kind === "head")
    response.setHeader("content-length", dice.pick([String(body.length), ...sizes.slice(0, 6)]));
  else if (dice.chance(0.7)) response.setHeader("content-length", body.length);
  response.writeHead(status);
  if (dice.chance(0.05))
    response.write(body.subarray(0, dice.below(body.length + 1)), () => void response.destroy());
  else response.end(request.kind === "head" ? undefined : body);
}

const limits = { ...usualLimits, head: 500, silence: 500, text: 1000, tries: 2 };

/** A hub, and a place for caches; each case has a folder of its own there. */
export interface HubAnswersFuzzer {
  /** One case. @returns what came of it: "right" or the error's code @throws where a promise is broken */
  run(seed: number): Promise<string>;
  close(): Promise<void>;
}

async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "right";
  } catch (error) {
    if (!(error instanceof BlipError)) throw error;
    // No sign of a terminal's language may be in it.
    if (/[\u0000-\u0009\u000b-\u001f]/.test(error.message) || error.message.includes("secret"))
      throw new Error(`a message shows what it must not: ${JSON.stringify(error.message)}`, { cause: error });
    return error.code;
  }
}

/** What is given has the bytes that its hash promises. Under an etag that is no hash, anything of the said size is the file. */
async function checkGiven(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const etag = basename(await realpath(path));
    const bytes = await readFile(path);
    const isHash = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag);
    if (isHash && etag !== gitSha(bytes) && etag !== sha256(bytes))
      throw new Error(`${name} has other bytes than its hash promises`);
  }
}

export async function fuzzHubAnswers(): Promise<HubAnswersFuzzer> {
  const hub = await serveScriptedHub(files);
  const root = await mkdtemp(join(tmpdir(), "blip-fuzz-hub-"));
  const run = async (seed: number): Promise<string> => {
    const dice = new Dice(seed);
    const place = await mkdtemp(join(root, "case-"));
    const env = { HF_HOME: join(place, "home"), HF_ENDPOINT: hub.origin, HF_TOKEN: "hf_secret" };
    const options = { env, limits, pauseMilliseconds: 0, onWarning: () => undefined };
    // From one wrong answer among right ones to wrong ones alone.
    const share = dice.pick([0.2, 0.5, 1]);
    hub.answer = (request, response) => {
      if (dice.chance(share)) {
        misanswer(dice, hub, request, response);
        return true;
      }
      if (request.kind !== "list") return false;
      const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
      response.end(JSON.stringify({ sha: otherCommit, siblings }));
      return true;
    };
    const outcome = dice.chance(0.75)
      ? await outcomeOf(async () => checkGiven((await downloadModel(hubId, options)).folder))
      : await outcomeOf(() => openUrlModel(`${hub.origin}/models/pytorch_model.bin`, options));
    const beside = await readdir(place);
    if (beside.some((name) => name !== "home"))
      throw new Error(`written beside the cache: ${beside.join(", ")}`);
    hub.answer = () => false;
    const { folder } = await downloadModel(hubId, { ...options, revision: hubCommit });
    for (const [name, bytes] of Object.entries(files))
      if (!bytes.equals(await readFile(join(folder, name))))
        throw new Error(`${name} stays wrong with a right hub`);
    await rm(place, { recursive: true, force: true });
    return outcome;
  };
  return {
    run,
    close: async () => {
      await hub.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
