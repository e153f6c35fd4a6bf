// `--compat demo` in every verb: what it changes in each is in packages/blip/src/verbs/demo.slow.test.ts.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

interface Golden {
  readonly matches: readonly {
    readonly image: string;
    readonly text: string;
    readonly logits: readonly number[];
    readonly cosine: number;
  }[];
}

const demo = ["--compat", "demo", "--json", "--quiet"];

test("match prints the demo's numbers", async () => {
  const { matches } = JSON.parse(await readFile(path("fixtures/goldens/demo.json"), "utf8")) as Golden;
  for (const { image, text, logits, cosine } of matches.slice(4, 8)) {
    const call = [
      "match",
      path(`fixtures/images/${image}`),
      "-t",
      text,
      "--model",
      tiny("match-original"),
      ...demo,
    ];
    const [row] = rowsOf((await blip(call)).stdout);
    const found = row as { readonly logits?: readonly number[]; readonly cosine?: number } | undefined;
    expect(found?.logits?.[0]).toBeCloseTo(logits[0] ?? NaN, 5);
    expect(found?.logits?.[1]).toBeCloseTo(logits[1] ?? NaN, 5);
    expect(found?.cosine).toBeCloseTo(cosine, 5);
  }
});

test.each<[string, string[]]>([
  ["caption", ["caption", scene("01"), "--model", tiny("caption")]],
  ["ask", ["ask", scene("01"), "-q", "Is it a DOG?", "--model", tiny("vqa")]],
  ["compare", ["compare", scene("01"), scene("02"), "-s", "A dog.", "--model", tiny("nlvr-original")]],
  ["embed", ["embed", scene("01"), "-t", "A dog.", "--model", tiny("match")]],
  ["retrieve", ["retrieve", scene("01"), scene("02"), "-t", "A dog.", "--model", tiny("match")]],
])("%s takes it", async (_, call) => {
  const found = await blip([...call, ...demo]);
  expect(found).toMatchObject({ code: 0, stderr: "" });
  const rows = rowsOf(found.stdout);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter((row) => "error" in row)).toEqual([]);
});

test("inspect and export take it, and say so", async () => {
  const inspected = await blip(["inspect", tiny("match"), "--compat", "demo", "--json"]);
  expect(inspected.code).toBe(0);
  const help = await blip(["eval", "--help"]);
  expect(help.stdout.replace(/\s+/g, " ")).toContain('"hf", "blip", "lavis", "demo"');
});
