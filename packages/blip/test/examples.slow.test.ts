// Every program of examples/ runs and says what it is about; on tiny random weights where the embedded model cannot.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const tiny = (name: string) => join(root, "fixtures/tiny", name);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-examples-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const programs: Readonly<Record<string, { args?: () => readonly string[]; says: readonly RegExp[] }>> = {
  "01-scenes.ts": {
    says: [
      /^01\.png +\d+\.\d % {2}a lemon\b.*\n +\d+\.\d % {2}grapes\b.*\n +caption {2}[a-z].*\n +answer {3}what is .*\? [a-z]/m,
      /^pair 01 +\d+\.\d % {2}there is a helicopter/m,
      /^(?:9|1[0-2]) of 12 scenes: the true sentence/m,
      /^(?:[7-9]|1[0-2]) of 12 questions: the answer is right$/m,
      /^[2-4] of 4 statements: judged right$/m,
    ],
  },
  "02-model-card.ts": { says: [/^ITM logits \[ -?\d.* cosine 0\.\d+$/m] },
  "03-caption.ts": {
    says: [
      /^3 beams: \S.* \(log-probability -\d/m,
      /(?:^drawn: .+\n){3}/m,
      /^begun: {3}a picture of \S/m,
      /^greedy: {2}\S/m,
    ],
  },
  "04-ask.ts": {
    says: [/^what color is the dress\? \S/m, /of 5 answers: (?:lobby|forest|red|green|2) \(-\d/],
  },
  "05-compare.ts": { says: [/^(?:true |false) +\d+\.\d % {2}there is a helicopter/m] },
  "06-retrieve.ts": {
    says: [/^\d\d\.png {2}[a-z]/m, /^cosine alone: R@1 \d+\.\d %/m, /^ITM re-ranks 4: R@1 \d+\.\d %/m],
  },
  "07-embed.ts": { says: [/^07\.png is most like \d\d\.png {2}\(cosine 0\.\d{3}, 128 numbers\)$/m] },
  "08-convert.ts": {
    args: () => [tiny("match-original"), join(folder, "converted")],
    says: [/^torch-zip, original names/m, /^written as BlipForImageTextRetrieval$/m],
  },
  "09-serve.ts": {
    says: [
      /^match: [2-9] requests in a batch$/m,
      /^01\.png {2}\d+\.\d % {2}[a-z]/m,
      /^422: .*expected an image/m,
      /^one caller went away$/m,
    ],
  },
  "10-one-model.ts": {
    says: [/^caption: [a-z]/m, /^place: [a-z]/m, /^[a-z ]+: \d+\.\d %$/m, /^embedding: 128 numbers$/m],
  },
  "11-fine-tune.ts": {
    says: [
      /^\d+ numbers are trained, in \d+ MB$/m,
      /^CIDEr-D before: [0-4]\.\d\d\nCIDEr-D after: [5-9]\.\d\d$/m,
      /^4 of 4 captions as taught, after 20 steps/m,
      /^40 rows/m,
    ],
  },
  "12-capfilt.ts": {
    says: [
      /^ +kept: .+ \(web\)$/m,
      /^ +kept: .+ \(synthetic\)$/m,
      /^web: \d+ of 12 texts kept, \d+ % dropped$/m,
      /^drawn: .+ \(seed \d+\)$/m,
      /(?:^(?:kept|dropped): .+ \(\d\.\d{3}\)\n){2}/m,
    ],
  },
};

test.each(Object.entries(programs))("%s", async (name, { args = () => [], says }) => {
  const { stdout } = await run("npx", ["tsx", join(root, "examples", name), ...args()], { cwd: root });
  for (const pattern of says) expect(stdout).toMatch(pattern);
  expect(stdout).not.toMatch(/NaN|undefined|null/);
  if (name !== "08-convert.ts") return;
  const logits = [...stdout.matchAll(/logits (\S+ \S+), cosine (\S+)$/gm)].map(([, both, cosine]) => [
    both,
    cosine,
  ]);
  expect(logits).toHaveLength(2);
  expect(logits[0]).toEqual(logits[1]);
});

test("none is left out", async () => {
  const names = (await readdir(join(root, "examples"))).filter((name) => name.endsWith(".ts"));
  expect(names.sort()).toEqual(Object.keys(programs));
});
