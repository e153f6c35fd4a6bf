import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { afterAll, describe, expect, test } from "vitest";
import { concepts, type Concept } from "../words/concepts.ts";
import { nameOfColour, colours, colourNames } from "../words/colours.ts";
import { catalogue } from "./catalogue.ts";
import { fetchPackage, readJson, tarballName } from "./fetch.ts";
import { iconsOf, slug, type IconSet } from "./iconify.ts";
import { farStyles, styles, trainingStyles, unseenStyles, type ArtPackage, type Style } from "./packages.ts";
import { measure, renderIcon } from "./render.ts";
import { isUnfit } from "./sprites.ts";

const folder = mkdtempSync(join(tmpdir(), "art-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function packed(name: string): Promise<ArtPackage> {
  const body = Buffer.from('{"icons": {"dog": {"body": "<path/>"}}}');
  const bytes = gzipSync(
    await packTar([{ header: { name: "package/icons.json", size: body.length }, body }]),
  );
  const wanted = {
    name,
    version: "1.0.0",
    licence: "MIT",
    sha512: createHash("sha512").update(bytes).digest("base64"),
  };
  writeFileSync(join(folder, tarballName(wanted)), bytes);
  return wanted;
}

describe("packages", () => {
  test("that exist are read without a network", async () => {
    const wanted = await packed("@some/art");
    expect(await fetchPackage(wanted, folder)).toBe(false);
    const [icons, none] = await readJson(wanted, ["icons.json", "chars.json"], folder);
    expect(icons).toEqual({ icons: { dog: { body: "<path/>" } } });
    expect(none).toBeUndefined();
  });

  test("that are missing give a remedy", async () => {
    const lacking = { name: "lacking", version: "1.0.0", licence: "MIT", sha512: "" };
    await expect(readJson(lacking, ["icons.json"], folder)).rejects.toThrow('Run "npm run world:art" once');
  });

  test("with another checksum are rejected", async () => {
    const wanted = { ...(await packed("other")), sha512: "AAAA" };
    await expect(readJson(wanted, ["icons.json"], folder)).rejects.toThrow("expected the sum AAAA");
  });
});

describe("the catalogue", () => {
  test("each thing has a label, by which its drawings can be found again", () => {
    expect(concepts.filter(({ labels }) => labels.length === 0)).toEqual([]);
  });

  test("has no drawing that does not fit its thing", () => {
    expect(catalogue().sprites.filter(({ style, concept }) => isUnfit(style, concept))).toEqual([]);
  });
});

describe("icons", () => {
  const set = (
    style: Style,
    names: readonly string[],
    byCode: readonly (readonly [string, string])[] = [],
  ): IconSet => ({
    style,
    byCode: new Map(byCode),
    svg: (name) => (names.includes(name) ? `<svg>${style} ${name}</svg>` : undefined),
  });
  const dog: Concept = { ...(concepts[0] ?? expect.fail("a concept")), labels: ["dog face", "poodle"] };
  const codes = new Map([
    ["dog face", "1f436"],
    ["poodle", "1f429"],
  ]);

  test("are found by code point, by another set's name, by the label's slug, and without dashes", () => {
    const sets = [
      set("noto", ["dog-face"], [["1f436", "dog-face"]]),
      set("emojione", ["dog-face", "poodle"]),
      set("fxemoji", ["dogface"]),
    ];
    const found = iconsOf([dog], codes, sets).map(({ style, name }) => `${style} ${name}`);
    expect(found).toEqual(["noto dog-face", "emojione dog-face", "emojione poodle", "fxemoji dogface"]);
  });

  test("slugs", () => expect(slug("woman’s hat")).toBe("womans-hat"));

  test("are cropped to their content, and measured", async () => {
    const pixels = await renderIcon(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4" width="SIDE" height="SIDE"><rect x="1" y="1" width="2" height="1" fill="#d22"/></svg>',
    );
    if (pixels === undefined) return expect.fail("pixels");
    expect([pixels.width, pixels.height]).toEqual([64, 32]);
    expect(measure(pixels)).toEqual({ colour: [221, 34, 34], full: 1, saturated: 1, named: "red" });
  });
});

describe("the catalogue", () => {
  test("has every thing in the test's styles, and in at least two families of training", () => {
    for (const { name } of concepts) {
      const seen = trainingStyles.filter((style) => catalogue().of(name, style).length > 0);
      expect(seen.length, name).toBeGreaterThanOrEqual(2);
      expect(catalogue().of(name, "twemoji").length, name).toBeGreaterThan(0);
    }
  });

  test("names each style once, for training or for a test", () => {
    expect([...trainingStyles, ...unseenStyles, ...farStyles].sort()).toEqual([...styles].sort());
  });
});

test("the eleven colours have their own names", () => {
  for (const name of colourNames) expect(nameOfColour(colours[name])).toBe(name);
});
