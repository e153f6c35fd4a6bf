// Names of images as they are given: signs in names, patterns, lists, and what lies in folders beside images.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listImages, listVideos } from "../src/list-images.ts";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

const posix = process.platform !== "win32";
/** A process of root may read everything; it can start another that may not. */
const isRoot = posix && process.getuid?.() === 0;
const nobody = 65534;

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
const put = async (...names: string[]) => {
  for (const name of names) await copyFile(scene("01"), at(name));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-names-"));
  // Others may look into it.
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

const match = ["-t", "a dog", "--json", "--quiet", "--model", tiny("match")];

async function rowsFor(given: readonly string[], stdin?: string) {
  const { code, stdout } = await blip(["match", ...given, ...match], stdin === undefined ? {} : { stdin });
  const rows = rowsOf(stdout).map(({ image, error }) => [
    image?.slice(folder.length + 1),
    (error as { code: string } | undefined)?.code ?? "scored",
  ]);
  return { code, rows };
}

const listed = (given: readonly string[], lines: readonly string[] = []) =>
  listImages(given, Readable.from([lines.join("\n")]));

describe("names with signs in them", () => {
  beforeAll(async () => {
    await mkdir(at("names"));
    await put("names/img1.png", "names/photo [12].png", "names/photo 1.png", "names/photo 2.png");
  });

  test.each([
    "img(1).png",
    "img[1].png",
    "img@(1).png",
    "img+(1).png",
    "!(x).png",
    "img1|x.png",
    'img"1".png',
  ])("%s is not taken for img1.png", async (name) => {
    const given = at("names", name);
    expect(await rowsFor([given])).toEqual({ code: 1, rows: [[`names/${name}`, "image/not-found"]] });
  });

  test("a name that begins with an exclamation mark is a name", async () => {
    expect(await listed(["!img1.png"])).toEqual(["!img1.png"]);
    expect(await listed(["!(img1).png"])).toEqual(["!(img1).png"]);
  });

  test("a file of that very name wins over the pattern", async () => {
    const given = at("names", "photo [12].png");
    expect(await listed([given])).toEqual([given]);
    await rm(given);
    expect(await listed([given])).toEqual([at("names/photo 1.png"), at("names/photo 2.png")]);
  });

  test("signs that are a name's stay a name's in a pattern", async () => {
    await put("names/b(1).png", "names/b1.png", "names/b(2).png", "names/c+.png", "names/cc.png");
    expect(await listed([at("names/b(*).png")])).toEqual([at("names/b(1).png"), at("names/b(2).png")]);
    expect(await listed([at("names/[cd]+.pn?")])).toEqual([at("names/c+.png")]);
    expect(await listed([at("names/{b1,cc}.png")])).toEqual([at("names/b1.png"), at("names/cc.png")]);
    expect(await listed([at("names/[!b-z]*")]).catch((error: unknown) => (error as Error).message)).toMatch(
      /no image found/,
    );
  });

  test("a pattern that matches nothing has a row, beside the others", async () => {
    const [image, nothing] = [at("names/img1.png"), at("names/nothing-*.png")];
    expect(await rowsFor([nothing, image])).toEqual({
      code: 1,
      rows: [
        ["names/nothing-*.png", "image/not-found"],
        ["names/img1.png", "scored"],
      ],
    });
    await expect(listed([nothing, at("names/none-?.png")])).rejects.toMatchObject({
      code: "usage/no-images",
    });
  });

  test("lines of a list are never patterns", async () => {
    const names = ["img[12].png", "img*.png", "img?.png", "{img1,img2}.png", "img(1).png"];
    const { code, rows } = await rowsFor(["-"], names.map((name) => at("names", name)).join("\n"));
    expect(code).toBe(1);
    expect(rows).toEqual(names.map((name) => [`names/${name}`, "image/not-found"]));
  });

  test("a pattern that matches a folder and what is in it names each image once", async () => {
    await mkdir(at("deep/er"), { recursive: true });
    await put("deep/a.png", "deep/er/b.png");
    expect(await listed([at("deep/**")])).toEqual([at("deep/a.png"), at("deep/er/b.png")]);
  });
});

describe.runIf(posix)("what is no image", () => {
  const verbs: [string, string, string[]][] = [
    ["match", "match", ["-t", "a dog"]],
    ["caption", "caption", []],
    ["ask", "vqa", ["-q", "what is it?"]],
    ["embed", "match", []],
    ["retrieve", "match", ["-t", "a dog"]],
  ];

  test.each(verbs)("%s does not wait for a FIFO in a folder", async (verb, model, more) => {
    const place = `fifo-${verb}`;
    await mkdir(at(place));
    await put(`${place}/a.png`);
    execFileSync("mkfifo", [at(place, "b.png")]);
    const found = await blip([verb, at(place), ...more, "--json", "--quiet", "--model", tiny(model)]);
    expect(found.stderr).toBe("");
    expect(found.code).toBe(1);
    const failed = rowsOf(found.stdout).filter((row) => "error" in row);
    expect(failed).toEqual([
      {
        image: at(place, "b.png"),
        error: { code: "image/not-found", message: expect.stringMatching(/not a regular file/) as string },
      },
    ]);
    expect(rowsOf(found.stdout).length).toBeGreaterThan(1);
  });

  test("a FIFO, a socket and a device as arguments have rows", async () => {
    const [fifo, socket] = [at("fifo"), at("socket.png")];
    execFileSync("mkfifo", [fifo]);
    const server = createServer().listen(socket);
    await once(server, "listening");
    try {
      const given = [fifo, socket, "/dev/zero", scene("01")];
      const { code, stdout } = await blip(["match", ...given, ...match]);
      expect(code).toBe(1);
      const rows = rowsOf(stdout);
      expect(rows.map(({ image }) => image)).toEqual(given);
      for (const { error } of rows.slice(0, 3))
        expect((error as Error).message).toMatch(/not a regular file/);
      const compared = await blip([
        ...[
          "compare",
          fifo,
          scene("01"),
          "-s",
          "a dog",
          "--json",
          "--quiet",
          "--model",
          tiny("nlvr-original"),
        ],
      ]);
      expect(compared.code).toBe(1);
      expect(compared.stdout).toMatch(/not a regular file/);
    } finally {
      server.close();
    }
  });

  test("links that lead nowhere or in a circle have rows, in a folder and by a pattern", async () => {
    await mkdir(at("links"));
    await put("links/good.png");
    await symlink(at("links/gone.png"), at("links/broken.png"));
    await symlink(at("links/circle.png"), at("links/circle.png"));
    const expected = {
      code: 1,
      rows: [
        ["links/broken.png", "image/not-found"],
        ["links/circle.png", "image/not-found"],
        ["links/good.png", "scored"],
      ],
    };
    expect(await rowsFor([at("links")])).toEqual(expected);
    expect(await rowsFor([at("links/*.png")])).toEqual(expected);
  });

  test.runIf(process.platform === "linux")("an image that fails while it is read fails alone", async () => {
    const { code, stdout } = await blip(["match", "/proc/self/mem", scene("01"), ...match]);
    expect(code).toBe(1);
    expect(rowsOf(stdout)).toEqual([
      {
        image: "/proc/self/mem",
        error: { code: "image/unreadable", message: expect.stringMatching(/EIO/) as string },
      },
      expect.objectContaining({ image: scene("01"), text: "a dog" }),
    ]);
  });
});

describe.runIf(isRoot)("folders that may not be read (as another user)", () => {
  beforeAll(async () => {
    for (const name of ["walk/a", "walk/b", "walk/c"]) await mkdir(at(name), { recursive: true });
    await put("walk/a/1.png", "walk/b/2.png", "walk/c/3.png");
    await chmod(at("walk/b"), 0o700);
  });

  /** What the built command says to a user who may not read all. */
  async function asNobody(args: readonly string[]) {
    const child = spawn(process.execPath, [path("packages/blip/bin/blip.js"), ...args], {
      ...{ uid: nobody, gid: nobody, stdio: ["ignore", "pipe", "pipe"], cwd: folder },
      env: { ...process.env, HOME: folder },
    });
    const printed = { stdout: "", stderr: "" };
    child.stdout.on("data", (part: Buffer) => (printed.stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => (printed.stderr += part.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, ...printed };
  }

  test.each([["walk"], ["walk/*"], ["walk/**/*.png"], ["walk/{a,b,c}/*.png"]])(
    "%s: the folder is named in a row, and the others go on",
    async (given) => {
      const { code, stdout, stderr } = await asNobody(["match", given, ...match]);
      expect([code, stderr]).toEqual([1, ""]);
      expect(rowsOf(stdout)).toEqual([
        expect.objectContaining({ image: "walk/a/1.png", text: "a dog" }),
        {
          image: "walk/b",
          error: { code: "image/unreadable", message: expect.stringMatching(/^walk\/b: .*EACCES/) as string },
        },
        expect.objectContaining({ image: "walk/c/3.png", text: "a dog" }),
      ]);
    },
  );

  test("a video with such a folder has a row with its error", async () => {
    const args = ["--frames", "-t", "a dog", "--json", "--quiet", "--model", tiny("match")];
    const { code, stdout } = await asNobody(["retrieve", "walk", "walk/a", ...args]);
    expect(code).toBe(1);
    const rows = rowsOf(stdout);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ image: "walk", error: { code: "image/unreadable" } });
  });
});

test("an empty folder is no video", async () => {
  await mkdir(at("empty"));
  await expect(listVideos([at("empty")], Readable.from([]))).rejects.toMatchObject({
    code: "usage/no-images",
  });
});
