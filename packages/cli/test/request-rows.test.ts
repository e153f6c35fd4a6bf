// Lists of pictures as requests: the rows and their order, what is in flight, and that other failures end the list.
import { Answerer, Captioner, Embedder, InputError, ModelError, type FailedRow } from "blip-ts";
import { describe, expect, test } from "vitest";
import { requestRows } from "../src/request-rows.ts";
import { blip, path, scene, tiny } from "./run-blip.ts";

const broken = path("fixtures/images/text.jpg");

async function arrayOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

const images = ["01", "02", "03", "04", "05", "06"].map(scene);
const list = [...images.slice(0, 2), broken, ...images.slice(2), scene("01")];
const common = ["--json", "--quiet", "--batch-size", "2"];
const printed = async (...args: string[]) => {
  const { stdout } = await blip([args[0] ?? "", ...list, ...args.slice(1), ...common]);
  return JSON.parse(stdout) as unknown;
};
/** As JSON has it; which images are a batch decides the last bits. */
const plain = (rows: unknown): unknown =>
  JSON.parse(JSON.stringify(rows), (_key, value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? (expect.closeTo(value, 4) as unknown) : value,
  );

describe("a list of pictures prints the rows that the library's own call over the list gives", () => {
  test("caption", async () => {
    await using captioner = await Captioner.fromPretrained(tiny("caption"));
    const options = { imageBatchSize: 2, beams: 2, numReturn: 2, maxLength: 9 };
    const args = ["--beams", "2", "--num-return", "2", "--max-length", "9", "--model", tiny("caption")];
    expect(await printed("caption", ...args)).toEqual(plain(await arrayOf(captioner.caption(list, options))));
  });

  test("ask: every question about every picture, and one row for a picture that is broken", async () => {
    await using answerer = await Answerer.fromPretrained(tiny("vqa"));
    const questions = ["is there a dog?", "two red cars?", "a cat sitting under a tree with snow?"];
    const expected = plain(await arrayOf(answerer.ask(list, questions, { imageBatchSize: 2 })));
    const args = questions.flatMap((question) => ["-q", question]);
    const rows = await printed("ask", ...args, "--model", tiny("vqa"));
    expect(rows).toEqual(expected);
    expect(rows).toHaveLength((list.length - 1) * questions.length + 1);
  });

  test("embed, all states too", async () => {
    await using embedder = await Embedder.fromPretrained(tiny("match"));
    for (const states of [false, true]) {
      const expected = plain(await arrayOf(embedder.embedImages(list, { imageBatchSize: 2, states })));
      const flags = states ? ["--states"] : [];
      expect(await printed("embed", "--model", tiny("match"), ...flags)).toEqual(expected);
    }
  });
});

describe("requests of a list", () => {
  const row = (image: string) => Promise.resolve([{ image, caption: image }]);
  const call = { imageBatchSize: 2 };
  const names = (count: number) => Array.from({ length: count }, (_, index) => `${index}.png`);

  test("are as many at a time as two batches hold, whatever the length of the list", async () => {
    const [open, most] = [new Set<string>(), [0]];
    const rowsOf = async (_batched: unknown, image: string) => {
      open.add(image);
      most.push(open.size);
      await new Promise((done) => setTimeout(done, 1));
      open.delete(image);
      return row(image);
    };
    const rows = await arrayOf(requestRows(names(50), { models: {}, rowsOf }, call));
    expect(rows.map(({ image }) => image)).toEqual(names(50));
    expect(Math.max(...most)).toBe(4);
  });

  test("give their rows in the order of the list, each as soon as those before it are there", async () => {
    const waiting = new Map<string, () => void>();
    const rowsOf = async (_batched: unknown, image: string) => {
      await new Promise<void>((done) => waiting.set(image, done));
      return row(image);
    };
    const rows = requestRows(names(3), { models: {}, rowsOf }, call);
    const first = rows.next();
    await new Promise((done) => setTimeout(done, 0));
    waiting.get("1.png")?.();
    waiting.get("0.png")?.();
    // The third is not done yet.
    expect([await first, await rows.next()].map(({ value }) => (value as { image: string }).image)).toEqual([
      "0.png",
      "1.png",
    ]);
    waiting.get("2.png")?.();
    expect(await arrayOf(rows)).toEqual([{ image: "2.png", caption: "2.png" }]);
  });

  test("fail alone where their picture is bad, and all together where the model or the program is", async () => {
    const failing = (error: Error) => (_batched: unknown, image: string) =>
      image === "1.png" ? Promise.reject(error) : row(image);
    const bad = new InputError("image/not-found", "1.png: expected an image");
    const rows: (object | FailedRow<string>)[] = await arrayOf(
      requestRows(names(3), { models: {}, rowsOf: failing(bad) }, call),
    );
    expect(rows[1]).toEqual({ image: "1.png", error: { code: "image/not-found", message: bad.message } });
    expect(rows).toHaveLength(3);
    for (const error of [new ModelError("model/engine", "cannot be run"), new Error("not foreseen")]) {
      const ended = arrayOf(requestRows(names(3), { models: {}, rowsOf: failing(error) }, call));
      await expect(ended).rejects.toBe(error);
    }
  });

  test("are taken back when the call is stopped, those that wait and those that run", async () => {
    await using captioner = await Captioner.fromPretrained(tiny("caption"));
    const stop = new AbortController();
    const rows = requestRows(
      Array.from({ length: 1000 }, () => scene("01")),
      {
        models: { captioner },
        rowsOf: (batched, image, signal) => batched.caption(image, { signal, whenFull: "wait" }),
      },
      { ...call, signal: stop.signal },
    );
    expect((await rows.next()).done).toBe(false);
    const reason = new Error("stopped");
    stop.abort(reason);
    await expect(arrayOf(rows)).rejects.toBe(reason);
  });
});
