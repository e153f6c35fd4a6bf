// Model files that cannot be read, and missing paths.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelError } from "@blip-ts/base";
import { fileSource, localModel, readSideFile } from "./local-files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-model-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

const refused = { code: "model/read-failed" };

describe("places that hold no model", () => {
  test.each(["nothing", "nothing/at/all", "long".repeat(100), "zero\0byte"])("%j", async (name) => {
    expect(await localModel(join(folder, name))).toBeUndefined();
    expect(await readSideFile(join(folder, name))).toBeUndefined();
  });
});

describe.runIf(process.platform !== "win32")("what is no regular file", () => {
  test("a FIFO in place of weights or of a side file is rejected, and nothing waits for it", async () => {
    const fifo = join(folder, "model.safetensors");
    execFileSync("mkfifo", [fifo]);
    await expect(localModel(fifo)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/model\.safetensors: expected a file, got a FIFO/) as string,
    });
    await expect(localModel(folder)).rejects.toMatchObject(refused);
    await expect(readSideFile(fifo)).rejects.toBeInstanceOf(ModelError);
  });

  test("a link in a circle is said, not taken for nothing", async () => {
    const circle = join(folder, "circle");
    await symlink(circle, circle);
    const said = { ...refused, message: expect.stringMatching(/circle: ELOOP/) as string };
    await expect(localModel(circle)).rejects.toMatchObject(said);
    await expect(readSideFile(circle)).rejects.toMatchObject(said);
    await expect(fileSource(circle)).rejects.toMatchObject(said);
  });

  test.runIf(process.platform === "linux")("a file that fails while it is read is named", async () => {
    const source = await fileSource("/proc/self/mem");
    await expect(source.read(0, 8)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/\/proc\/self\/mem: EIO/) as string,
    });
  });
});

test("a folder by the name of a side file is none", async () => {
  await mkdir(join(folder, "config.json"));
  expect(await readSideFile(join(folder, "config.json"))).toBeUndefined();
  await writeFile(join(folder, "vocab.txt"), "[PAD]\n");
  expect(await readSideFile(join(folder, "vocab.txt"))).toBe("[PAD]\n");
});

describe("a folder from a disk of macOS", () => {
  test("has one .pth: its companion ._NAME is none", async () => {
    const copied = await mkdtemp(join(folder, "copied-"));
    for (const name of ["model_base.pth", "._model_base.pth"]) await writeFile(join(copied, name), "x");
    expect(await localModel(copied)).toMatchObject({
      kind: "folder",
      weights: { source: { name: join(copied, "model_base.pth") } },
    });
  });

  test("is a suite beside a ._NAME.pth", async () => {
    const suite = await mkdtemp(join(folder, "suite-"));
    for (const name of ["model_index.json", "._match.pth"]) await writeFile(join(suite, name), "{}");
    expect(await localModel(suite)).toMatchObject({ kind: "suite" });
  });
});

describe("side files", () => {
  test("above their bound are rejected, and not read", async () => {
    const large = await mkdtemp(join(folder, "large-"));
    await writeFile(join(large, "model.safetensors"), "x");
    for (const [name, size] of [
      ["config.json", 4_000_001],
      ["tokenizer.json", 8_000_001],
    ] as const) {
      await writeFile(join(large, name), "");
      await truncate(join(large, name), size);
      const model = await localModel(large);
      if (model?.kind !== "folder") throw new Error("no folder");
      await expect(model.read(name)).rejects.toMatchObject({ code: "model/side-file-too-large" });
    }
  });

  test.each<[string, string]>([
    ["[".repeat(100_000), "it nests deeper than 64 levels"],
    ["{", "it is not valid JSON"],
  ])("an index that begins with %.20s is refused", async (text, says) => {
    const sharded = await mkdtemp(join(folder, "sharded-"));
    await writeFile(join(sharded, "model.safetensors.index.json"), text);
    await expect(localModel(sharded)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining(says) as string,
    });
  });
});

describe("a file that is read", () => {
  const opened = async () => {
    const path = join(await mkdtemp(join(folder, "weights-")), "model.safetensors");
    await writeFile(path, "weights");
    return { path, source: await fileSource(path) };
  };
  const changed = (found: string) => ({
    code: "model/changed",
    message: expect.stringContaining(
      `expected the file as it was when the model was opened, got ${found}`,
    ) as string,
  });

  test("is what it was", async () => {
    const { source } = await opened();
    source.expectUnchanged?.();
    source.expectUnchanged?.(true);
    expect(new TextDecoder().decode(await source.read(0, 7))).toBe("weights");
  });

  test.each<[string, (path: string) => Promise<unknown>, string, boolean]>([
    ["cut short", (path) => truncate(path, 3), "3 bytes instead of 7", true],
    [
      "written into",
      (path) => writeFile(path, "WEIGHTS").then(() => utimes(path, 1, 1)),
      "one that was written into since",
      true,
    ],
    ["deleted", (path) => rm(path), "none there", false],
    [
      "replaced",
      async (path) => {
        await writeFile(`${path}.new`, "weights");
        await rename(`${path}.new`, path);
      },
      "another file in its place",
      false,
    ],
  ])("is refused once it was %s", async (_, change, found, alsoMapped) => {
    const { path, source } = await opened();
    await change(path);
    expect(() => source.expectUnchanged?.()).toThrow(expect.objectContaining(changed(found)) as Error);
    await expect(source.read(0, 2)).rejects.toMatchObject(changed(found));
    // A mapped file is still the old one, unless that very file was written into.
    const mapped = () => source.expectUnchanged?.(true);
    if (alsoMapped) expect(mapped).toThrow(expect.objectContaining(changed(found)) as Error);
    else expect(mapped).not.toThrow();
  });
});
