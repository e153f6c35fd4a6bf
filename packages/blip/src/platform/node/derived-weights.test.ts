// Weights kept beside the Hub's cache: when they are derived, when again, and side effects.
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DerivedWeights } from "../../files.ts";
import { deriveWeights } from "./derived-weights.ts";
import { fileSource } from "./local-files.ts";
import { partialEnding } from "./process-owner.ts";

let root = "";
let original = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-derived-"));
  original = join(root, "model.safetensors");
  await writeFile(original, "original");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const env = () => ({ HF_HOME: join(root, "home") });
const text = async (path: string | undefined) => readFile(path ?? "", "utf8");
const encoded = (content: string) => new TextEncoder().encode(content);

let made = 0;
let warned: string[] = [];
beforeEach(() => {
  made = 0;
  warned = [];
});

async function weights(content = "derived", more: Partial<DerivedWeights> = {}): Promise<DerivedWeights> {
  return {
    sources: [await fileSource(original)],
    type: "int8",
    recipe: "1",
    async *bytes() {
      made++;
      yield encoded(content.slice(0, 3));
      await Promise.resolve();
      yield encoded(content.slice(3));
    },
    warn: ({ code, message }) => void warned.push(code, message),
    ...more,
  };
}
const derive = async (content?: string, more?: Partial<DerivedWeights>, renew = false) =>
  deriveWeights(await weights(content, more), renew, env());

const kept = async () => {
  const names = await readdir(join(root, "home"), { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && !entry.name.endsWith(".json")).map(({ name }) => name);
};

describe("derived weights", () => {
  test("are made once and found again", async () => {
    const first = await derive();
    expect(await text(first.path)).toBe("derived");
    expect((await derive("other")).path).toBe(first.path);
    expect(made).toBe(1);
  });

  test.each<[string, (path: string) => Promise<unknown>]>([
    ["whose numbers were damaged", (path) => writeFile(path, "dErived")],
    [
      "that were damaged at a time that was set back",
      async (path) => {
        const { atime, mtime } = await stat(path);
        await writeFile(path, "dErived");
        await utimes(path, atime, mtime);
      },
    ],
    ["that were cut short", (path) => writeFile(path, "deri")],
    ["whose note is gone", (path) => rm(`${path}.json`)],
    ["whose note is no note", (path) => writeFile(`${path}.json`, "[]")],
  ])("%s are made again", async (_, change) => {
    const { path = "" } = await derive();
    await change(path);
    expect(await text((await derive()).path)).toBe("derived");
    expect(made).toBe(2);
    // The kept weights are intact again.
    await derive();
    expect(made).toBe(2);
  });

  test("that were moved to another machine are looked at once, and not made again", async () => {
    const { path = "" } = await derive();
    await cp(path, `${path}.copy`);
    await rename(`${path}.copy`, path);
    const note = await text(`${path}.json`);
    await derive();
    expect(made).toBe(1);
    expect(await text(`${path}.json`)).not.toBe(note);
  });

  test("are made again where the original was touched, and the old ones go", async () => {
    await derive("old");
    await utimes(original, new Date(), new Date(Date.now() + 5000));
    expect(await text((await derive("new")).path)).toBe("new");
    expect(await kept()).toHaveLength(1);
  });

  test("are made again where the original has another size, another recipe, or on demand", async () => {
    await derive("first");
    const { mtime } = await stat(original);
    await writeFile(original, "original, longer");
    await utimes(original, mtime, mtime);
    expect(await text((await derive("second")).path)).toBe("second");
    expect(await text((await derive("third", { recipe: "2" })).path)).toBe("third");
    expect(await text((await derive("fourth", { recipe: "2" }, true)).path)).toBe("fourth");
    expect(made).toBe(4);
  });

  test.each<[string, (time: Date) => Promise<unknown>]>([
    [
      "another file takes the original's place",
      async (time) => {
        const other = join(root, "other");
        await writeFile(other, "0riginal");
        await utimes(other, time, time);
        await rename(other, original);
      },
    ],
    [
      "the original is overwritten",
      async (time) => {
        await writeFile(original, "0riginal");
        await utimes(original, time, time);
      },
    ],
  ])("are made again if %s, with equal size and time", async (_, change) => {
    const time = new Date(1e12);
    await utimes(original, time, time);
    await derive("first");
    await change(time);
    expect(await text((await derive("second")).path)).toBe("second");
    expect(await kept()).toHaveLength(1);
  });

  test("are made again if the original changes in a folder that is only called like the Hub's", async () => {
    original = join(root, "blobs", "model.safetensors");
    await mkdir(dirname(original));
    await writeFile(original, "original");
    await derive("first");
    await writeFile(original, "another");
    expect(await text((await derive("second")).path)).toBe("second");
  });

  test("of several types stand beside each other", async () => {
    await derive("a");
    await derive("b", { type: "float16" });
    expect(await text((await derive()).path)).toBe("a");
    expect(await kept()).toHaveLength(2);
  });

  test("belong to the real file, by whatever link it is called", async () => {
    await symlink(original, join(root, "link"));
    await derive();
    await derive("other", { sources: [await fileSource(join(root, "link"))] });
    expect(made).toBe(1);
  });

  test("of a blob of the Hub's cache are known by its name, wherever the cache lies and whenever it was fetched", async () => {
    const [one, two] = ["one", "two"].map((place) => join(root, place, "blobs", "0123abcd".repeat(8)));
    for (const path of [one ?? "", two ?? ""]) {
      await mkdir(dirname(path), { recursive: true });
      await cp(original, path);
      await utimes(path, new Date(), new Date(path === one ? 1e12 : 1.1e12));
      await derive("blob", { sources: [await fileSource(path)] });
    }
    expect(made).toBe(1);
  });

  test("are whole or not there: a failure leaves nothing", async () => {
    const bytes = async function* () {
      await Promise.resolve();
      yield encoded("half");
      throw new Error("the disk of the original broke");
    };
    await expect(derive("", { bytes })).rejects.toThrow(/broke/);
    expect(await kept()).toEqual([]);
  });

  test("are made by several at once, each of whom gets whole ones", async () => {
    const found = await Promise.all(Array.from({ length: 4 }, () => derive("the same")));
    for (const { path } of found) expect(await text(path)).toBe("the same");
    expect(await kept()).toHaveLength(1);
  });

  test("do not pick up what somebody else is writing, and take away what was abandoned", async () => {
    const { path = "" } = await derive();
    const [fresh, old] = [`${path}.partial-1-fresh`, `${path}.partial-2-old`];
    for (const name of [fresh, old]) await writeFile(name, "half");
    await utimes(old, new Date(0), new Date(0));
    await derive("again", {}, true);
    expect((await readdir(dirname(path))).map((name) => join(dirname(path), name)).sort()).toEqual([
      path,
      `${path}.json`,
      fresh,
    ]);
  });

  test("are found beside what a killed process began, which goes, of other models too", async () => {
    const { path = "" } = await derive();
    const ended = partialEnding().replace(`-${process.pid}-`, "-999999999-");
    await writeFile(`${path}${ended}`, "half");
    await derive();
    expect(await kept()).toEqual([basename(path)]);
    const other = join(dirname(dirname(path)), "another");
    await mkdir(other);
    await writeFile(join(other, `int8${ended}`), "half");
    await derive("again", {}, true);
    expect(await readdir(other)).toEqual([]);
  });

  test("stay in memory where nothing can be written, and that is said", async () => {
    await writeFile(join(root, "home"), "a file in the way");
    const source = await derive();
    expect(source.path).toBeUndefined();
    expect(warned).toEqual([
      "weights/not-kept",
      expect.stringMatching(
        /model.safetensors as int8: .* made again whenever the model is loaded, because .*home.* cannot be written .*; name another place with HF_HOME/,
      ),
    ]);
    expect(new TextDecoder().decode(await source.read(0, source.size))).toBe("derived");
  });

  test("stay in memory where the original is no file", async () => {
    const source = { name: "memory", size: 0, read: () => Promise.reject(new Error("unused")) };
    expect((await derive("derived", { sources: [source] })).path).toBeUndefined();
  });
});
