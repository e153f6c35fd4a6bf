// Writes the tables of docs/bootstrapping.md from the existing results.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mixedSettings } from "../errors.ts";
import { readJson, writeWhole } from "../work/files.ts";
import { markdown, withTables } from "../work/markdown.ts";
import type { BeamResult, CaptionQuality, KeptShare, RowResult, SeedResult } from "./results.ts";
import { rowNames, rowTitles, type RowName } from "./settings.ts";

/** All results in a folder. */
export interface Results {
  readonly rows: readonly RowResult[];
  readonly seeds: readonly SeedResult[];
  readonly beams: readonly BeamResult[];
}

/** @throws {WorldError} `world/mixed-settings` if the results were made with different settings */
export function readResults(folder: string): Results {
  const folders = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.startsWith("seed-"))
        .sort()
    : [];
  const read = <T>(name: string): T[] =>
    folders
      .map((seed) => join(folder, seed, `${name}.json`))
      .filter((path) => existsSync(path))
      .map((path) => readJson(path) as T);
  const results: Results = {
    rows: rowNames.flatMap((row) => read<RowResult>(row)),
    seeds: read<SeedResult>("capfilt"),
    beams: read<BeamResult>("captions-beam"),
  };
  const settings = new Set(
    Object.values(results)
      .flat()
      .map((result: RowResult) => JSON.stringify(result.settings)),
  );
  if (settings.size > 1) throw mixedSettings(folder, settings.size);
  return results;
}

/** The mean of some numbers. If there are several, half their range follows. */
export function meanAndSpread(values: readonly number[], digits: number): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = (Math.max(...values) - Math.min(...values)) / 2;
  return values.length === 1 ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${spread.toFixed(digits)}`;
}

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (100 * part) / whole);

type Column = readonly [head: string, value: (result: RowResult) => number, digits: number];

const columns: readonly Column[] = [
  ["pairs", ({ set }) => set.web + set.synthetic + set.truth + set.clean, 0],
  ["TR@1", ({ imageToText }) => imageToText.r1, 1],
  ["TR@5", ({ imageToText }) => imageToText.r5, 1],
  ["IR@1", ({ textToImage }) => textToImage.r1, 1],
  ["IR@5", ({ textToImage }) => textToImage.r5, 1],
  ["things F1", ({ things }) => 100 * things.f1, 1],
  ["BLEU-4", ({ bleu4 }) => 100 * bleu4, 1],
  ["CIDEr", ({ cider }) => 100 * cider, 1],
];

function rowsTable(results: readonly RowResult[]): string {
  const of = (row: RowName) => results.filter((result) => result.row === row);
  const body = rowNames
    .filter((row) => of(row).length > 0)
    .map((row) => [
      ...[row, rowTitles[row], String(of(row).length)],
      ...columns.map(([, value, digits]) => meanAndSpread(of(row).map(value), digits)),
    ]);
  return markdown(["row", "web set", "seeds", ...columns.map(([head]) => head)], body);
}

const kindNames: Readonly<Record<string, string>> = {
  right: "correct",
  other: "another scene's",
  word: "one wrong word",
  spam: "a file name or an advertisement",
  language: "another language",
};

function filterTable(seeds: readonly SeedResult[]): string {
  const share = (kind: string) =>
    seeds.map(({ kinds }) => {
      const { stayed, texts }: KeptShare = kinds[kind] ?? { stayed: 0, texts: 0 };
      return percent(stayed, texts);
    });
  const scores = ["precision", "recall", "accuracy", "auc"] as const;
  return [
    markdown(
      ["seeds", ...scores.map((name) => (name === "auc" ? "AUC" : name))],
      [
        [
          String(seeds.length),
          ...scores.map((name) =>
            meanAndSpread(
              seeds.map(({ filter }) => 100 * filter[name]),
              1,
            ),
          ),
        ],
      ],
    ),
    markdown(
      ["web text", "kept, %"],
      Object.entries(kindNames).map(([kind, title]) => [title, meanAndSpread(share(kind), 1)]),
    ),
  ].join("\n\n");
}

const qualities: readonly (readonly [head: string, value: (quality: CaptionQuality) => number])[] = [
  ["dropped, %", ({ stayed, texts }) => 100 - percent(stayed, texts)],
  ["name truly, %", (quality) => percent(quality.true, quality.texts)],
  ["of the kept, %", ({ stayedTrue, stayed }) => percent(stayedTrue, stayed)],
  ["different captions, %", ({ distinct, texts }) => percent(distinct, texts)],
];

function captionsTable({ seeds, beams }: Results): string {
  const kinds: readonly (readonly [string, readonly CaptionQuality[]])[] = [
    ["nucleus, p = 0.9", seeds.map(({ nucleus }) => nucleus)],
    ["3 beams", beams.map(({ beam }) => beam)],
  ];
  return markdown(
    ["captions", "seeds", ...qualities.map(([head]) => head)],
    kinds
      .filter(([, list]) => list.length > 0)
      .map(([name, list]) => [
        ...[name, String(list.length)],
        ...qualities.map(([, value]) => meanAndSpread(list.map(value), 1)),
      ]),
  );
}

/** The tables, by the names of their places in the page. */
export function tables(results: Results): Readonly<Record<string, string>> {
  const { rows, seeds } = results;
  const none = "_Not made yet._";
  return {
    rows: rows.length > 0 ? rowsTable(rows) : none,
    filter: seeds.length > 0 ? filterTable(seeds) : none,
    captions: seeds.length > 0 ? captionsTable(results) : none,
  };
}

/** @throws {WorldError} `world/mixed-settings` @throws {WorldError} `world/no-tables` */
export const writePage = (page: string, results: string): void =>
  writeWhole(page, withTables(readFileSync(page, "utf8"), tables(readResults(results))));
