// One call per verb over images: the fields of its rows, and a broken image, which fails alone. All else about the verbs is
// in verbs.slow.test.ts, image-names.slow.test.ts and not-finite.slow.test.ts.
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
