// A recipe's file may keep the names of patches in a file beside it.
import { expect, test } from "vitest";
import { readRecipe } from "./check.ts";

const recipe = (names: unknown, weights?: readonly number[]) =>
  JSON.stringify({ lr: 1e-3, patchNames: { names, weights } });

const read = (path: string, files: Readonly<Record<string, string>>) =>
  readRecipe(path, (name, most) => {
    const text = files[name];
    if (text === undefined) return Promise.resolve({ got: "no such file" });
    return Promise.resolve(text.length > most ? text.length : text);
  });

test("the path of a file of names is relative to the recipe", async () => {
  const names = ["nothing", "cat"];
  const list = `\uFEFF${JSON.stringify(names)}`;
  for (const [path, other, file] of [
    ["a/recipe.json", "names.json", "a/names.json"],
    ["recipe.json", "names.json", "names.json"],
    ["C:\\a\\recipe.json", "b/names.json", "C:\\a\\b/names.json"],
    ["/a/b/recipe.json", "../names.json", "/a/b/../names.json"],
  ] as const) {
    const found = await read(path, { [path]: recipe(other, [1, 2]), [file]: list });
    expect(found, path).toEqual({ lr: 1e-3, patchNames: { names, weights: [1, 2] } });
  }
  // Names in the recipe itself read no other file.
  expect(await read("recipe.json", { "recipe.json": recipe(names) })).toMatchObject({
    patchNames: { names },
  });
});

test.each([
  [
    "missing",
    undefined,
    "expected a JSON list, which patchNames.names of a/recipe.json names, got no such file.",
  ],
  ["not JSON", "{", "expected JSON, got "],
  ["an object", '{"0": "cat"}', "expected a list of at most 10000, got "],
  ["one name", '["cat"]', "expected a list of at least two names, got "],
  ["a number", '["cat", 7]', "expected a text of at most 256 characters, got 7"],
  ["too long", `"${"x".repeat(4_000_000)}"`, "expected at most 4000000 bytes, got 4000002."],
])("a file of names is refused by its own name: %s", async (_, content, says) => {
  const files = {
    "a/recipe.json": recipe("names.json"),
    ...(content !== undefined && { "a/names.json": content }),
  };
  const refused = read("a/recipe.json", files);
  await expect(refused).rejects.toMatchObject({ code: "train/recipe" });
  await expect(refused).rejects.toThrow(/^a\/names\.json/);
  await expect(refused).rejects.toThrow(says);
});
