// `data:` URLs as images of the command: as arguments, in lists and in rows. Messages and tables show their beginnings.
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { must } from "@blip-ts/base";
import { blip, rowsOf, scene } from "./run-blip.ts";

let url = "";
let expected: unknown;
const model = ["--model", "picture-book", "--quiet"];
beforeAll(async () => {
  url = `data:image/png;base64,${(await readFile(scene("01"))).toString("base64")}`;
  const { stdout } = await blip(["match", scene("01"), "-t", "a dog", ...model, "--json"]);
  expected = { ...must(rowsOf(stdout), 0), image: url };
});

describe("a data: URL", () => {
  test.each<[string, () => [string[], string]]>([
    ["as an argument", () => [[url, "-t", "a dog"], ""]],
    ["in a list", () => [["-", "-t", "a dog"], `${url}\n`]],
    ["in rows", () => [["--pairs", "-"], JSON.stringify({ image: url, text: "a dog" })]],
  ])("%s gives its file's numbers", async (_, input) => {
    const [args, stdin] = input();
    const { code, stdout } = await blip(["match", ...args, ...model, "--json"], { stdin });
    expect(code).toBe(0);
    expect(rowsOf(stdout)).toEqual([expected]);
  });

  test("takes little room in a table, and in what is said of a bad one", async () => {
    const bad = `data:image/png;base64,${"*".repeat(200_000)}`;
    const args = ["match", "-", "-t", "a dog", "--model", "picture-book"];
    const { code, stdout, stderr } = await blip(args, { stdin: `${url}\n${bad}\n` });
    expect(code).toBe(1);
    expect(stdout).toContain("data:image/png;base64,iVBORw0KGg... (");
    expect(stdout.length).toBeLessThan(500);
    expect(stderr).toContain("characters that are not base64");
    expect(stderr.length).toBeLessThan(800);
  });
});
