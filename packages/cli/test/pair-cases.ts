// Rows of `--pairs` for each verb, the forms in which they are written, and what the library says of them.
import { must } from "@blip-ts/base";
import { Answerer, Captioner, Comparer, Matcher } from "blip-ts";
import { scene, tiny } from "./run-blip.ts";

export type Fields = Readonly<Record<string, string>>;
export const forms: readonly (readonly [name: string, write: (rows: readonly Fields[]) => string])[] = [
  ["JSON lines", (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join("")],
  ["a JSON array", (rows) => JSON.stringify(rows, undefined, 2)],
  [
    "CSV with a mark and CRLF",
    (rows) =>
      `\ufeff${[Object.keys(must(rows, 0)), ...rows.map((row) => Object.values(row))]
        .map((cells) => cells.map((cell) => `"${cell}"`).join(","))
        .join("\r\n")}\r\n`,
  ],
];

async function arrayOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** As JSON has it. */
const plain = (rows: unknown) => JSON.parse(JSON.stringify(rows)) as Record<string, unknown>[];

export const [first, second] = [scene("01"), scene("02")];

export interface Case {
  readonly verb: "match" | "caption" | "ask" | "compare";
  readonly model: string;
  readonly rows: readonly Fields[];
  readonly head: (row: Fields) => object;
  readonly library: (rows: readonly Fields[]) => Promise<object[]>;
}

export const cases: readonly Case[] = [
  {
    verb: "match",
    model: "match",
    rows: ["a dog", "two red cars", "a tree"].map((text, index) => ({
      image: index === 1 ? second : first,
      text,
      id: `${index}`,
    })),
    head: ({ image, text }) => ({ image, text }),
    library: async (rows) => {
      await using matcher = await Matcher.fromPretrained(tiny("match"));
      return await arrayOf(matcher.rows(rows as Parameters<typeof matcher.rows>[0]));
    },
  },
  {
    verb: "caption",
    model: "caption",
    rows: ["a", "the red", "a"].map((prompt, index) => ({
      image: index === 1 ? second : first,
      prompt,
      id: `${index}`,
    })),
    head: ({ image, prompt }) => ({ image, prompt }),
    library: async (rows) => {
      await using captioner = await Captioner.fromPretrained(tiny("caption"));
      return await arrayOf(captioner.rows(rows as Parameters<typeof captioner.rows>[0]));
    },
  },
  {
    verb: "ask",
    model: "vqa",
    rows: ["is there a dog?", "a tree?", "a cat?"].map((question, index) => ({
      image: index === 1 ? second : first,
      question,
      id: `${index}`,
    })),
    head: ({ image, question }) => ({ image, question }),
    library: async (rows) => {
      await using answerer = await Answerer.fromPretrained(tiny("vqa"));
      return await arrayOf(answerer.rows(rows as unknown as Parameters<typeof answerer.rows>[0]));
    },
  },
  {
    verb: "compare",
    model: "nlvr-original",
    rows: ["a red dog", "one is red", "a tree"].map((statement, index) => ({
      left: index === 1 ? second : first,
      right: second,
      statement,
      id: `${index}`,
    })),
    head: ({ left, right, statement }) => ({ images: [left, right], statement }),
    library: async (rows) => {
      await using comparer = await Comparer.fromPretrained(tiny("nlvr-original"));
      const requests = rows.map(({ left = "", right = "", statement = "", id }) => ({
        images: [left, right] as const,
        statement,
        id,
      }));
      return await arrayOf(comparer.rows(requests));
    },
  },
];

/** The rows that a verb prints: the library's answers with the rows' own fields. */
export async function expectedRows({ rows, head, library }: Case): Promise<Record<string, unknown>[]> {
  return plain(await library(rows)).map((answer, index) => {
    const row = must(rows, index);
    const own = Object.entries(answer).filter(([name]) => !(name in row) && name !== "images");
    return { ...head(row), ...Object.fromEntries(own), id: row.id };
  });
}
