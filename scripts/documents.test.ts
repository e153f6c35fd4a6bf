// The generated documents in the repository are up to date, and sentences are short.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { unknownWords } from "../packages/blip/src/text/unknown-words.ts";
import { BertTokenizer } from "../packages/blip/src/text/word-piece.ts";
import { diagrams } from "./diagrams.ts";
import { longSentences, mostWords, sentencesOf } from "./long-sentences.ts";

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");

test.each(Object.entries(diagrams()))(
  "%s is what its script draws (npm run diagrams)",
  async (path, text) => {
    expect(await read(path)).toBe(text);
  },
);

describe("sentences", () => {
  test(`of README and docs have at most ${mostWords} words (npx tsx scripts/long-sentences.ts)`, async () => {
    expect((await longSentences(mostWords)).map(({ document, text }) => `${document}: ${text}`)).toEqual([]);
  });

  test("are counted by words, without code and tables' rules", () => {
    const text =
      "# A heading\n\nOne two `some code here` three. Four five.\n\n```sh\nnot these words\n```\n\n| a cell | b.<br>Two lines |\n";
    const counts = sentencesOf("x.md", text)
      .map(({ words }) => words)
      .filter((words) => words > 0);
    expect(counts).toEqual([4, 2, 2, 1, 2]);
  });
});

test("docs/picture-book.md lists words that the embedded model's vocabulary has", async () => {
  const listed = /```text\n([^`]+)```/.exec(await read("docs/picture-book.md"))?.[1] ?? "";
  const vocabulary = await read("packages/blip/models/picture-book/match/vocab.txt");
  expect(listed.split(",")).toHaveLength(119);
  expect(unknownWords(BertTokenizer.fromVocabulary(vocabulary), listed)).toEqual([]);
});

test("README has at most 9 KB", async () => {
  expect(Buffer.byteLength(await read("README.md"))).toBeLessThanOrEqual(9 * 1024);
});
