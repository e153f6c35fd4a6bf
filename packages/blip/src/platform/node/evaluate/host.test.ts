// Files that are written as a whole: complete, or absent.
import { existsSync } from "node:fs";
import { mkdtemp, open, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { nodeEvaluationHost } from "./host.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-host-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

test("a write that is cut short, as on a nearly full disk, loses nothing", async () => {
  const probe = await open(join(folder, "probe"), "w");
  const methods = Object.getPrototypeOf(probe) as typeof probe;
  await probe.close();
  const write = Reflect.get(methods, "write") as (this: unknown, data: string) => never;
  vi.spyOn(methods, "write").mockImplementation(function (this: unknown, data: unknown) {
    return write.call(this, String(data).slice(0, 3));
  });
  const path = join(folder, "report.json");
  await nodeEvaluationHost.writeFile(path, ["[1, 2, 3]\n", "", "the end\n"]);
  expect(await readFile(path, "utf8")).toBe("[1, 2, 3]\nthe end\n");
});

test.skipIf(!existsSync("/dev/full"))("a full disk is an error, and leaves no file", async () => {
  const path = join(folder, "report.json");
  await symlink("/dev/full", `${path}.${process.pid}.part`);
  await expect(nodeEvaluationHost.writeFile(path, ["[1]"])).rejects.toMatchObject({
    code: "evaluate/cannot-write",
  });
  expect(await readdir(folder)).toEqual([]);
});
