// Permissions of folders that are written as a whole.
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFolder } from "./create-folder.ts";
import { partialEnding } from "./process-owner.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-folder-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

async function write(path: string): Promise<void> {
  await using writer = await createFolder(path);
  await writer.write("config.json", "{}");
  await writer.commit();
}

test("a folder has the mode of one that mkdir makes", async () => {
  const [ordinary, written] = [join(root, "ordinary"), join(root, "written")];
  await mkdir(ordinary);
  await write(written);
  expect(await modeOf(written)).toBe(await modeOf(ordinary));
  expect(await readdir(root)).toEqual(["ordinary", "written"]);
});

// Windows has no such modes.
test.skipIf(process.platform === "win32")("an empty folder that was there keeps its mode", async () => {
  const path = join(root, "private");
  await mkdir(path);
  await chmod(path, 0o710);
  await write(path);
  expect(await modeOf(path)).toBe(0o710);
  expect(await readdir(path)).toEqual(["config.json"]);
});

test("what a killed process began beside it goes, and what others still write stays", async () => {
  const ended = partialEnding().replace(`-${process.pid}-`, "-999999999-");
  const names = [`.out${ended}`, `.other${ended}`, `.out${partialEnding()}`, ".out.partial-somebody"];
  for (const name of names) await mkdir(join(root, name, "within"), { recursive: true });
  await write(join(root, "out"));
  expect(await readdir(root)).toEqual([...names.slice(2), "out"].sort());
});
