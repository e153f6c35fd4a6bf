import { Command, Option } from "commander";
import { expect, test } from "vitest";
import { asTyped, flagsOf } from "./option-names.ts";

const negated = new Option("--no-repeat-ngram <N>");
negated.negate = false;
const command = new Command("caption")
  .option("--top-p <P>")
  .option("--sample")
  .option("--beams <N>")
  .option("--memory <MB>")
  .option("--load <how>")
  .option("--max-pixels <N>")
  .option("--batch-size <N>")
  .option("-k <K>")
  .option("--no-augment")
  .addOption(negated);
const flags = flagsOf(command);

test.each([
  ["topP: expected sample: true with it, got none.", "--top-p: expected --sample with it, got none."],
  [
    "memory: expected at least 405 MB, got 100. Raise it.",
    "--memory: expected at least 405 MB, got 100. Raise it.",
  ],
  ['Rename it; or use load: "copy".', "Rename it; or use --load copy."],
  ["a.png: make it smaller, or give memory: 405.", "a.png: make it smaller, or give --memory 405."],
  ["a.png: or raise maxPixels if you trust it.", "a.png: or raise --max-pixels if you trust it."],
  ["imageBatchSize: expected 1 or more, got 0", "--batch-size: expected 1 or more, got 0"],
  ["noRepeatNgram: expected 0 or more, got -1", "--no-repeat-ngram: expected 0 or more, got -1"],
  ["Raise the option beams, or use sample: true.", "Raise --beams, or use --sample."],
  ["k, the rank: expected 1", "-k, the rank: expected 1"],
  [
    "rows.jsonl: got another run: option beams: expected 4, got 3; option topP: expected 1, got 0.9",
    "rows.jsonl: got another run: --beams: expected 4, got 3; --top-p: expected 1, got 0.9",
  ],
  // Ordinary words, and names within paths and texts, are no options.
  ["beams of light in memory", "beams of light in memory"],
  ["folder/maxPixels.png: expected a file", "folder/maxPixels.png: expected a file"],
  ["The command has no maxTextLength: 3", "The command has no maxTextLength: 3"],
  ["augment: expected true", "augment: expected true"],
])("%s", (message, expected) => {
  expect(asTyped(message, flags)).toBe(expected);
});

test("options that the command calls otherwise", () => {
  const train = flagsOf(new Command("train").option("--lora <RANK>").option("--val <FILE>"));
  expect(asTyped("lora.rank: expected a number, got x. Leave out the option validation.", train)).toBe(
    "--lora: expected a number, got x. Leave out --val.",
  );
  expect(asTyped("topP: expected", new Map())).toBe("topP: expected");
});
