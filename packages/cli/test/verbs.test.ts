// One call per verb over images: the fields of its rows, and a broken image, which fails alone. All else about the verbs is
// in verbs.slow.test.ts, image-names.slow.test.ts and not-finite.slow.test.ts.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

const broken = path("fixtures/images/text.jpg");

test.each<[verb: string, model: string, args: string[], fields: string[]]>([
  ["match", "match", ["-t", "a dog"], ["image", "text", "logits", "probability", "cosine", "rankScore"]],
  ["caption", "caption", [], ["image", "caption", "tokens", "logProbability"]],
  ["ask", "vqa", ["-q", "is there a dog?"], ["image", "question", "answer", "tokens", "score"]],
  ["embed", "match", [], ["image", "embedding"]],
  ["retrieve", "match", ["-t", "a dog", "--by", "image"], ["image", "hits"]],
])(
  "blip %s has the contract's fields, and goes on after a broken image",
  async (verb, model, args, fields) => {
    const images = [broken, scene("01")];
    const { code, stdout } = await blip([
      verb,
      ...images,
      ...args,
      "--model",
      tiny(model),
      "--json",
      "--quiet",
    ]);
    expect(code).toBe(1);
    const [failed, row] = rowsOf(stdout);
    expect(failed).toMatchObject({ image: broken, error: { code: "image/not-an-image" } });
    expect(row?.image).toBe(scene("01"));
    expect(Object.keys(row ?? {})).toEqual(fields);
  },
);

test("--generation-config says how captions are generated; a file that is none is a wrong call", async () => {
  const caption = (config: string, ...more: string[]) =>
    blip([
      "caption",
      scene("01"),
      "--model",
      tiny("caption"),
      "--generation-config",
      config,
      ...more,
      "--json",
    ]);
  const folder = await mkdtemp(join(tmpdir(), "blip-generation-flag-"));
  try {
    const file = join(folder, "own.json");
    await writeFile(file, JSON.stringify({ num_beams: 1, max_length: 9, min_length: 0 }));
    const { code, stdout } = await caption(file, "--max-length", "8");
    expect(code).toBe(0);
    expect(rowsOf(stdout)[0]?.tokens).toHaveLength(8);
    const [none, model] = [await caption(join(folder, "none.json")), await caption("model")];
    expect([none.code, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toContain(
      "expected a JSON object as in generation_config.json, got no file that can be read",
    );
    expect([model.code, model.stdout]).toEqual([3, ""]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("blip compare has the contract's fields, and exits with 3 if the model cannot do it", async () => {
  const compare = (model: string) =>
    blip([
      "compare",
      scene("01"),
      scene("02"),
      "-s",
      "both show a dog",
      "--model",
      tiny(model),
      "--json",
      "--quiet",
    ]);
  const { code, stdout } = await compare("nlvr-original");
  expect(code).toBe(0);
  expect(Object.keys(rowsOf(stdout)[0] ?? {})).toEqual(["images", "statement", "label", "probability"]);
  const other = await compare("caption");
  expect([other.code, other.stdout]).toEqual([3, ""]);
});
