// Tests the runner's rules: sets contain the pairs that the filter kept, existing outputs are not made again, and
// tables come from results.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atLeast, last } from "@blip-ts/base";
import { afterAll, describe, expect, test } from "vitest";
import { readJson, readLines, writeJson } from "../work/files.ts";
import { namesTruly, thingsNamed } from "./named.ts";
import { withTables } from "../work/markdown.ts";
import { meanAndSpread, readResults, tables } from "./page.ts";
import type { Blip } from "../work/program.ts";
import { captionQuality, type RowResult } from "./results.ts";
import { makeSeed, resultPath } from "./run.ts";
import { setOf, type JudgedImage, type Pair, type SetSources } from "./sets.ts";
import { rowNames, settingsFor, type RowName } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "bootstrap-"));
afterAll(() => rmSync(folder, { recursive: true }));

const judged = (web: number | null, synthetic: number | null, text: string): JudgedImage => ({
  web: { text: "as it was", probability: web },
  synthetic: { text, probability: synthetic },
});

const sources: SetSources = {
  web: ["0", "1", "2"].map((image) => ({ image, caption: `web ${image}`, patches: [Number(image)] })),
  clean: [{ image: "c", caption: "clean" }],
  truth: ["true 0", "true 1", "true 2"],
  judged: [judged(0.5, 0.2, "drawn 0"), judged(0.49, 0.9, "drawn 1"), judged(null, null, "drawn 2")],
  ...{ threshold: 0.5, blank: "grey" },
};

describe("a row's set", () => {
  const texts = (row: RowName) =>
    setOf(row, sources).pairs.map(({ image, caption }) => `${image}: ${caption}`);
  const web = ["0: web 0", "1: web 1", "2: web 2"];

  test.each([
    ["a", [...web, "c: clean"]],
    ["b", ["0: web 0", "c: clean"]],
    ["c", [...web, "0: drawn 0", "1: drawn 1", "2: drawn 2", "c: clean"]],
    ["d", ["0: web 0", "1: drawn 1", "c: clean"]],
    ["beam", ["0: web 0", "1: drawn 1", "c: clean"]],
    ["e", ["0: true 0", "1: true 1", "2: true 2", "c: clean"]],
    ["blind", ["grey: true 0", "grey: true 1", "grey: true 2", "grey: clean"]],
  ] as const)("%s", (row, expected) => expect(texts(row)).toEqual(expected));

  test("labels the patches of every image, unless it is grey", () => {
    const patches = (row: RowName) => setOf(row, sources).pairs.map((pair) => pair.patches);
    expect(patches("d")).toEqual([[0], [1], undefined]);
    expect(patches("e")).toEqual([[0], [1], [2], undefined]);
    expect(patches("blind")).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("is counted by kind", () =>
    expect(setOf("d", sources).counts).toEqual({ web: 1, synthetic: 1, truth: 0, clean: 1 }));
});

describe("what captions name", () => {
  test("is known in the plural and by other words too", () =>
    expect(thingsNamed("two dogs, a bunny and a dog")).toEqual(["dog", "rabbit"]));

  test("is true if all of it is present", () => {
    expect(namesTruly("a dog, next to a cat", ["cat", "dog"])).toBe(true);
    expect(namesTruly("a dog and a cat", ["dog"])).toBe(false);
    expect(namesTruly("an animal in the snow", ["dog"])).toBe(false);
  });

  test("is counted before and after the filter", () => {
    const captions = [
      { text: "a dog", probability: 0.9 },
      { text: "a dog", probability: 0.1 },
      { text: "a cat", probability: 0.6 },
    ];
    const truth = captions.map(() => ({ caption: "a dog", things: ["dog"] }));
    expect(captionQuality(captions, truth, 0.5)).toEqual({
      ...{ texts: 3, stayed: 2, distinct: 2, true: 2, stayedTrue: 1 },
    });
  });
});

const settings = {
  ...settingsFor(64),
  ...{ web: 4, clean: 2, encoderScenes: 2, test: 2 },
  stem: { ...settingsFor(64).stem, width: 32, imageLayers: 1, textLayers: 1 },
};

const recalls = { r1: 10, r5: 20, r10: 30 };
const things = { precision: 0.5, recall: 0.5, f1: 0.5 };
const results = {
  retrieval: { reranked: { k16: { imageToText: recalls, textToImage: recalls } } },
  caption: { ciderD: 1, bleu4: 0.5, things },
  match: { itm: { precision: 1, recall: 0.5, accuracy: 0.75, auc: 0.9 } },
};

/** Stand-ins for the commands: they write the same outputs, without a model. */
const doubles: Readonly<Record<string, (args: readonly string[], output: string | undefined) => void>> = {
  train: (args) => mkdirSync(join(behind(args, "--out"), "model"), { recursive: true }),
  eval: (args) =>
    writeJson(behind(args, "--out"), {
      ...{ version: "0", model: { sha256: "0" }, results: results[args[1] as keyof typeof results] },
    }),
  capfilt: ([, data, out]) => {
    const pairs = readLines(data ?? "") as readonly Pair[];
    const lines = pairs.map(({ caption }, n) => ({
      ...{ n, seed: n, web: [{ text: caption, probability: n % 2 }] },
      synthetic: { text: `drawn ${n}`, probability: 1 - (n % 2) },
    }));
    mkdirSync(out ?? "", { recursive: true });
    writeFileSync(
      join(out ?? "", "scores.jsonl"),
      [{}, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    writeJson(join(out ?? "", "report.json"), {});
  },
  caption: (args, output) => {
    const lines = (readLines(behind(args, "--pairs")) as readonly Pair[]).map((_, n) => ({
      caption: `searched ${n}`,
      match: 1,
    }));
    writeFileSync(output ?? "", lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  },
};

function behind(args: readonly string[], flag: string): string {
  const value = args[args.indexOf(flag) + 1];
  if (value === undefined || !args.includes(flag)) throw new Error(`${flag} is missing`);
  return value;
}

describe("a seed", () => {
  const calls: (readonly string[])[] = [];
  const blip: Blip = ({ args, output }) => {
    calls.push(args);
    const [name] = atLeast(args, 1);
    doubles[name]?.(args, output);
    return Promise.resolve();
  };
  const work = join(folder, "work");
  const out = join(folder, "results");
  const make = async (rows: readonly RowName[]) => {
    calls.length = 0;
    await makeSeed({ seed: 7, rows, settings, work, results: out, blank: true, say: () => undefined }, blip);
    return calls.map(([command, task, data]) =>
      [command, task, command === "train" ? data : ""].join(" ").trim(),
    );
  };
  const set = (row: string) => join(work, "seed-7", `set-${row}.jsonl`);

  test("is made row by row, and existing rows are not made again", async () => {
    const judging = ["eval retrieval", "eval caption"];
    expect(await make(["a"])).toEqual([
      ...[`train pretrain ${set("encoder")}`, `train pretrain ${set("a")}`],
      ...judging,
    ]);
    const d = await make(["a", "d"]);
    expect(d.map((call) => call.split(" ").slice(0, 2).join(" "))).toEqual([
      ...["train caption", "train match", `capfilt ${join(work, "seed-7/web/data.jsonl")}`, "train pretrain"],
      ...[...judging, "eval caption", "eval match"],
    ]);
    expect((readLines(set("d")) as readonly Pair[]).map(({ caption }) => caption)).toContain("drawn 0");
    expect(await make(["a", "d"])).toEqual([]);

    rmSync(resultPath(out, 7, "a"));
    expect(await make(["a"])).toEqual([]);
    expect(readJson(resultPath(out, 7, "a")) as RowResult).toMatchObject({
      row: "a",
      cider: 1,
      set: { web: 4 },
    });

    mkdirSync(join(work, "seed-7/run-e/state"), { recursive: true });
    await make(["e"]);
    expect(last(atLeast(calls, 1)[0])).toBe("--resume");
    expect(await make(["blind"])).toContain(`train pretrain ${set("blind")}`);
    expect(atLeast(calls, 2)[1]).toContain(join(work, "seed-7/blind/data.json"));
    expect(await make(["beam"])).toContain(`train pretrain ${set("beam")}`);
    expect((readLines(set("beam")) as readonly Pair[]).map(({ caption }) => caption)).toContain("searched 0");

    rmSync(work, { recursive: true });
    expect(await make(["a", "d", "e", "beam"])).toEqual([]);
    expect(existsSync(work)).toBe(false);
  });
});

describe("the page", () => {
  const result = (row: RowName, seed: number, r1: number, samples = 64): RowResult => ({
    ...{ row, seed, set: { web: 3, synthetic: 0, truth: 0, clean: 1 }, settings: settingsFor(samples) },
    ...{ imageToText: { ...recalls, r1 }, textToImage: recalls, cider: 1, bleu4: 0.5, things },
    ...{ version: "0", weights: "0" },
  });

  test("has means, and spreads of several seeds", () => {
    expect(meanAndSpread([4], 1)).toBe("4.0");
    expect(meanAndSpread([4, 6, 5], 1)).toBe("5.0 ± 1.0");
    const { rows } = tables({
      rows: [result("a", 1, 10), result("a", 2, 20), result("d", 1, 30)],
      seeds: [],
      beams: [],
    });
    const cells = (rows ?? "").split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    expect(cells[2]?.slice(1, 6)).toEqual(["a", "web texts as they are", "2", "4 ± 0", "15.0 ± 5.0"]);
    expect(cells[3]?.slice(1, 6)).toEqual(["d", "captioner and filter", "1", "4", "30.0"]);
  });

  test("has tables in their places, and the rest unchanged", () => {
    const page = "before\n<!-- rows -->\nold\n<!-- /rows -->\nbehind\n";
    expect(withTables(page, { rows: "new" })).toBe(
      "before\n<!-- rows -->\n\nnew\n\n<!-- /rows -->\nbehind\n",
    );
    expect(() => withTables(page, { filter: "new" })).toThrow("expected the mark <!-- filter -->");
  });

  test("is made only from results with the same settings", () => {
    const out = join(folder, "mixed");
    writeJson(resultPath(out, 1, "a"), result("a", 1, 10));
    writeJson(resultPath(out, 2, "a"), result("a", 2, 10));
    expect(readResults(out).rows).toHaveLength(2);
    writeJson(resultPath(out, 2, "d"), result("d", 2, 10, 128));
    expect(() => readResults(out)).toThrow("expected results of the same settings, got 2");
  });

  test("names every row", () => {
    const text = readFileSync(new URL("../../../../docs/bootstrapping.md", import.meta.url), "utf8");
    for (const row of rowNames) expect(text).toMatch(new RegExp(`^\\| \`?${row}\`? `, "m"));
  });
});
