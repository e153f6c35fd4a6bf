// `--pairs` as a stream: how often an image is read, how far ahead rows are, and what becomes of input that ends early.
import { createServer, type Server } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../src/index.ts";
import { scene, tiny } from "./run-blip.ts";

class Lines extends Writable {
  readonly lines: string[] = [];
  #rest = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const parts = (this.#rest + chunk.toString()).split("\n");
    this.#rest = parts.pop() ?? "";
    this.lines.push(...parts);
    done();
  }
}

/** Runs `blip match --pairs - --jsonl` over a stream. @param source told how many rows are printed so far */
async function stream(source: (printed: () => number) => AsyncIterable<string>, ...args: string[]) {
  const [stdout, stderr] = [new Lines(), new Lines()];
  const stop = new AbortController();
  const code = await main(
    ["match", "--pairs", "-", "--model", tiny("match"), "--jsonl", "--quiet", ...args],
    {
      stdin: source(() => stdout.lines.length),
      stdout,
      stderr,
      env: {},
      signal: stop.signal,
    },
  );
  const rows = stdout.lines.map(
    (line) => JSON.parse(line) as { image?: string; text?: string; n?: number; error?: { code: string } },
  );
  return { code, rows, stderr: stderr.lines };
}

const tick = () => new Promise((done) => setImmediate(done));
const row = (fields: object) => `${JSON.stringify(fields)}\n`;

let server: Server;
let url = "";
const reads = new Map<string, number>();
beforeAll(async () => {
  const bytes = await readFile(scene("01"));
  server = createServer(({ url: asked = "" }, response) => {
    reads.set(asked, (reads.get(asked) ?? 0) + 1);
    response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length });
    response.end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe("an image 1,000 rows apart", () => {
  const apart = (name: string) =>
    async function* () {
      for (let n = 0; n <= 1000; n++) {
        if (n % 100 === 0) await tick();
        yield n % 1000 === 0
          ? row({ image: `${url}/${name}`, text: "a dog", n })
          : row({ text: "no image", n });
      }
    };

  test.each([
    ["within", 1001, 1],
    ["beyond", 64, 2],
  ])("is read once within the window, and again beyond it: %s", async (name, window, times) => {
    const { code, rows } = await stream(apart(name), "--window", String(window));
    expect(code).toBe(1);
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 1001 }, (_, n) => n));
    expect([rows[0]?.error, rows[1]?.error?.code, rows[1000]?.error]).toEqual([
      undefined,
      "dataset/bad-row",
      undefined,
    ]);
    expect(reads.get(`/${name}`)).toBe(times);
  });
});

test("the default window is 64 rows: images that rows of one share are read once, also by the next window", async () => {
  const { code, rows } = await stream(async function* () {
    for (let n = 0; n < 130; n++) {
      await tick();
      yield row({ image: `${url}/shared`, text: n % 2 === 0 ? "a dog" : "a cat", n });
    }
  });
  expect(code).toBe(0);
  expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 130 }, (_, n) => n));
  expect(reads.get("/shared")).toBe(1);
});

test("10,000 rows: no more than a window is read ahead of what is printed", async () => {
  let most = 0;
  const { code, rows } = await stream(async function* (printed) {
    for (let n = 0; n < 10_000; n++) {
      await tick();
      most = Math.max(most, n - printed());
      yield row(n % 3 === 0 ? { image: "no-such-file.png", text: "a dog", n } : { text: "no image", n });
    }
  });
  expect(code).toBe(1);
  expect(rows).toHaveLength(10_000);
  expect(rows.every(({ n, error }, index) => n === index && error !== undefined)).toBe(true);
  expect(most).toBeGreaterThanOrEqual(63);
  expect(most).toBeLessThanOrEqual(70);
});

test("with --window 1 a row is answered before the next one is written", async () => {
  const seen: number[] = [];
  const { code } = await stream(
    async function* (printed) {
      for (let n = 0; n < 3; n++) {
        yield row({ image: scene("01"), text: "a dog", n });
        const late = Date.now() + 60_000;
        while (printed() < n && Date.now() < late) await tick();
        seen.push(printed());
      }
    },
    "--window",
    "1",
  );
  expect(code).toBe(0);
  expect(seen.every((count, n) => count >= n)).toBe(true);
});

describe("standard input that ends early", () => {
  const good = { image: scene("01"), text: "a dog" };

  test("within a line: the rows before are answered, and the line is an error", async () => {
    const { code, rows } = await stream(async function* () {
      await tick();
      yield row(good);
      yield '{"image": "a.p';
    });
    expect(code).toBe(1);
    expect(rows.map(({ image, error }) => [image, error?.code])).toEqual([
      [scene("01"), undefined],
      [undefined, "dataset/bad-json"],
    ]);
  });

  test("by a failure: the rows before are answered, and the last says why", async () => {
    const { code, rows } = await stream(async function* () {
      await tick();
      yield row(good) + row(good);
      throw new Error("read EIO");
    });
    expect(code).toBe(1);
    expect(rows.map(({ error }) => error?.code)).toEqual([undefined, undefined, "pairs/broken-off"]);
  });

  test("before the first row: a wrong call", async () => {
    const { code, rows, stderr } = await stream(async function* () {
      await tick();
      yield* [];
    });
    expect([code, rows]).toEqual([2, []]);
    expect(stderr.join("\n")).toContain("standard input");
  });
});

test("a window that is no number of rows is a wrong call", async () => {
  for (const window of ["0", "1.5", "100001"]) {
    const { code, rows } = await stream(
      async function* () {
        await tick();
        yield row({ image: scene("01"), text: "a dog" });
      },
      "--window",
      window,
    );
    expect([code, rows]).toEqual([2, []]);
  }
});
