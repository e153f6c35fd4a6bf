// Model files that cannot be read, and places where there is none.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
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
  test("a FIFO in place of weights or of a side file is refused, and nothing waits for it", async () => {
    const fifo = join(folder, "model.safetensors");
    execFileSync("mkfifo", [fifo]);
    await expect(localModel(fifo)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/model\.safetensors: expected a file, found a FIFO/) as string,
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
