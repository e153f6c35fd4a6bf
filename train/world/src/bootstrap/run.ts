// Makes one seed of the table, step by step. Each step writes a file and is skipped if the file exists, so that a seed
// can be made in several sittings. Interrupted training resumes from its last state.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeStem } from "../stem.ts";
import { blankImage, cleanPairs, encoderPairs, makeData, truths, webPairs } from "./data.ts";
import { once, readJson, readLines, writeJson, writeLines } from "../work/files.ts";
import { workPaths, type WorkPaths } from "./paths.ts";
import type { Blip } from "../work/program.ts";
import {
  captionQuality,
  captionScores,
  keptByKind,
  rowScores,
  type BeamResult,
  type RowResult,
  type SeedResult,
} from "./results.ts";
import { setOf, usesCapFilt, type JudgedImage, type JudgedText } from "./sets.ts";
import type { BootstrapSettings, Recipe, RowName } from "./settings.ts";

export interface SeedOptions {
  readonly seed: number;
  readonly rows: readonly RowName[];
  readonly settings: BootstrapSettings;
  /** The folder of all seeds' work: data, runs, captions. */
  readonly work: string;
  /** The folder of all seeds' results. */
  readonly results: string;
  /** The engine's threads. Default: one per core. */
  readonly threads?: number | undefined;
  /** Makes every image grey, which needs no art: for tests. */
  readonly blank?: boolean | undefined;
  readonly say: (line: string) => void;
}

/** A seed with the context of its steps. */
interface Sitting extends SeedOptions {
  readonly paths: WorkPaths;
  readonly blip: Blip;
}

export const resultPath = (results: string, seed: number, name: string): string =>
  join(results, `seed-${seed}`, `${name}.json`);

const threadArgs = ({ threads }: Sitting): readonly string[] =>
  threads === undefined ? [] : ["--threads", String(threads)];

/** Trains unless the run's model exists. The seed determines the random draws of each run. */
async function train(
  sitting: Sitting,
  {
    task,
    name,
    data,
    model,
    recipe,
  }: Record<"task" | "name" | "data" | "model", string> & { recipe: Recipe },
): Promise<void> {
  const { paths, seed } = sitting;
  if (existsSync(paths.model(name))) return;
  const run = paths.run(name);
  const resumed = existsSync(join(run, "state"));
  if (!resumed) rmSync(run, { recursive: true, force: true });
  writeJson(paths.recipe(name), { ...recipe, seed });
  const from = performance.now();
  await sitting.blip({
    args: [
      ...["train", task, data, "--model", model, "--recipe", paths.recipe(name), "--out", run],
      ...[...threadArgs(sitting), "--save-steps", "100", ...(resumed ? ["--resume"] : [])],
    ],
    log: paths.log(name),
  });
  sitting.say(`${name}: trained in ${Math.round((performance.now() - from) / 1000)} s`);
}

/** Returns a report of `blip eval`. */
async function evaluate<Report>(sitting: Sitting, name: string, args: readonly string[]): Promise<Report> {
  const report = sitting.paths.report(name);
  await once(report, () =>
    sitting.blip({
      args: ["eval", ...args, "--out", report, ...threadArgs(sitting)],
      log: sitting.paths.log(name),
    }),
  );
  return readJson(report) as Report;
}

type CaptionReport = Parameters<typeof captionScores>[0];
type RetrievalReport = Parameters<typeof rowScores>[0];

/** @param prompt the options for the prompt; the minimum length allows two words after it */
function captionReport(
  sitting: Sitting,
  name: string,
  test: string,
  prompt: readonly string[],
): Promise<CaptionReport> {
  const { model } = sitting.paths;
  return evaluate<CaptionReport>(sitting, `caption-${name}`, [
    ...["caption", join(test, "data.json"), "--model", model(name)],
    ...["--things", join(test, "things.json"), ...prompt],
  ]);
}

/** Fine-tunes captioner and filter separately, both from run `a`, on the clean pairs. */
async function captionerAndFilter(sitting: Sitting): Promise<void> {
  const { paths, settings } = sitting;
  await preTrained(sitting, "a");
  const data = paths.set("clean");
  const pairs = cleanPairs(paths).map(({ image, caption }) => ({ image, caption }));
  await once(data, () => writeLines(data, pairs));
  const model = paths.model("a");
  await train(sitting, { task: "caption", name: "captioner", data, model, recipe: settings.captioner });
  await train(sitting, { task: "match", name: "filter", data, model, recipe: settings.filter });
}

interface ScoredLine {
  readonly web: readonly JudgedText[];
  readonly synthetic: JudgedText;
}

/** The results of `blip capfilt` for each web image. */
async function judgedByCapFilt(sitting: Sitting): Promise<readonly JudgedImage[]> {
  const { paths, settings, seed } = sitting;
  const [report, scores] = ["report.json", "scores.jsonl"].map((name) => join(paths.capfilt, name));
  if (report === undefined || scores === undefined) throw new Error("two paths");
  if (!existsSync(report)) {
    await captionerAndFilter(sitting);
    await sitting.blip({
      args: [
        ...["capfilt", join(paths.web, "data.jsonl"), paths.capfilt, "--resume", "--seed", String(seed)],
        ...["--captioner", paths.model("captioner"), "--filter", paths.model("filter")],
        ...["--threshold", String(settings.threshold), "--batch-size", "32", ...threadArgs(sitting)],
      ],
      log: paths.log("capfilt"),
    });
  }
  return (readLines(scores) as readonly ScoredLine[]).slice(1).map(({ web, synthetic }, at) => {
    const [text] = web;
    if (text === undefined) throw new Error(`${scores}: row ${at} has no text`);
    return { web: text, synthetic };
  });
}

interface BeamLine {
  readonly caption: string;
  readonly match: number;
}

/** The same images with captions from beam search, scored by the same filter. */
async function judgedBeams(sitting: Sitting): Promise<readonly JudgedImage[]> {
  const { paths } = sitting;
  const drawn = await judgedByCapFilt(sitting);
  await once(paths.beams, () =>
    sitting.blip({
      args: [
        ...["caption", "--pairs", join(paths.web, "data.jsonl"), "--jsonl", "--batch-size", "32"],
        ...["--beams", "3", "--model", paths.model("captioner"), "--match-model", paths.model("filter")],
        ...threadArgs(sitting),
      ],
      ...{ log: paths.log("beams"), output: paths.beams },
    }),
  );
  const beams = readLines(paths.beams) as readonly BeamLine[];
  return drawn.map(({ web }, at) => {
    const line = beams[at];
    if (line === undefined) throw new Error(`${paths.beams}: expected row ${at}, got none`);
    return { web, synthetic: { text: line.caption, probability: line.match } };
  });
}

const judgedFor = (sitting: Sitting, row: RowName): Promise<readonly JudgedImage[]> => {
  if (!usesCapFilt(row)) return Promise.resolve([]);
  return row === "beam" ? judgedBeams(sitting) : judgedByCapFilt(sitting);
};

/** The recipe without patch names: grey images show nothing that could be named. */
const withoutPatches = (recipe: Recipe): Recipe =>
  Object.fromEntries(Object.entries(recipe).filter(([name]) => name !== "losses" && name !== "patchNames"));

/** Trains the image encoder from scratch to name patches. The text weights stay random. */
async function encoder(sitting: Sitting): Promise<void> {
  const { paths, settings } = sitting;
  await once(paths.set("encoder"), () => writeLines(paths.set("encoder"), encoderPairs(paths)));
  await train(sitting, {
    ...{ task: "pretrain", name: "encoder", data: paths.set("encoder"), model: paths.stem },
    recipe: settings.encoder,
  });
}

/** Pre-trains a row's model on the row's set. @returns the set's counts */
async function preTrained(sitting: Sitting, row: RowName): Promise<RowResult["set"]> {
  const { paths, settings } = sitting;
  const set = setOf(row, {
    ...{ web: webPairs(paths), clean: cleanPairs(paths), blank: blankImage, threshold: settings.threshold },
    ...{ truth: truths(paths).map(({ caption }) => caption), judged: await judgedFor(sitting, row) },
  });
  const pairs = set.pairs.map(({ image, caption, patches }) => ({ image, caption, patches }));
  await once(paths.set(row), () => writeLines(paths.set(row), pairs));
  await encoder(sitting);
  await train(sitting, {
    ...{ task: "pretrain", name: row, data: paths.set(row), model: paths.model("encoder") },
    recipe: row === "blind" ? withoutPatches(settings.pretrain) : settings.pretrain,
  });
  return set.counts;
}

async function makeRow(sitting: Sitting, row: RowName): Promise<void> {
  const { paths, settings, seed } = sitting;
  const set = await preTrained(sitting, row);
  const test = row === "blind" ? paths.blind : paths.test;
  const retrieval = await evaluate<RetrievalReport>(sitting, `retrieval-${row}`, [
    ...["retrieval", join(test, "data.json"), "--model", paths.model(row)],
    ...["-k", String(settings.ranked)],
  ]);
  // Pre-training uses no prompt. The minimum of 3 tokens beside [DEC] is two words and [SEP].
  const caption = await captionReport(sitting, row, test, ["--prompt", "", "--min-length", "3"]);
  writeJson(resultPath(sitting.results, seed, row), {
    ...{ row, seed, set, ...rowScores(retrieval, caption), settings },
  } satisfies RowResult);
}

interface MatchReport {
  readonly results: { readonly itm: SeedResult["filter"] };
}

/** Writes the scores of captioner and filter. */
async function makeSeedResult(sitting: Sitting): Promise<void> {
  const { paths, settings, seed } = sitting;
  const judged = await judgedByCapFilt(sitting);
  const caption = await captionReport(sitting, "captioner", paths.test, []);
  const { results } = await evaluate<MatchReport>(sitting, "match-filter", [
    ...["match", join(paths.web, "data.jsonl"), "--model", paths.model("filter")],
  ]);
  const { precision, recall, accuracy, auc } = results.itm;
  const kinds = webPairs(paths).map(({ noise }) => noise);
  const drawn = judged.map(({ synthetic }) => synthetic);
  writeJson(resultPath(sitting.results, seed, "capfilt"), {
    ...{ seed, captioner: captionScores(caption), filter: { precision, recall, accuracy, auc } },
    kinds: keptByKind(kinds, judged, settings.threshold),
    nucleus: captionQuality(drawn, truths(paths), settings.threshold),
    settings,
  } satisfies SeedResult);
}

async function makeBeamResult(sitting: Sitting): Promise<void> {
  const { paths, settings, seed } = sitting;
  const searched = (await judgedBeams(sitting)).map(({ synthetic }) => synthetic);
  const beam = captionQuality(searched, truths(paths), settings.threshold);
  writeJson(resultPath(sitting.results, seed, "captions-beam"), {
    ...{ seed, beam, settings },
  } satisfies BeamResult);
}

/**
 * Makes the missing rows, in the requested order.
 * @throws {WorldError} `world/art-missing`, `world/not-built`, `world/blip-failed`
 */
export async function makeSeed(options: SeedOptions, blip: Blip): Promise<void> {
  const { seed, rows, settings, say } = options;
  const work = join(options.work, `seed-${seed}`);
  const sitting: Sitting = { ...options, blip, paths: workPaths(work) };
  const result = (name: string) => resultPath(options.results, seed, name);
  const wanted = rows.filter((row) => {
    const there = existsSync(result(row));
    if (there) say(`seed ${seed}, row ${row}: exists`);
    return !there;
  });
  if (wanted.length === 0) return;
  mkdirSync(dirname(sitting.paths.stem), { recursive: true });
  await makeData(sitting.paths, settings, seed, options.blank ?? false);
  writeStem(settings.stem, sitting.paths.stem);
  for (const row of wanted) {
    await makeRow(sitting, row);
    if (usesCapFilt(row)) await once(result("capfilt"), () => makeSeedResult(sitting));
    if (row === "beam") await once(result("captions-beam"), () => makeBeamResult(sitting));
    say(`seed ${seed}, row ${row}: made`);
  }
}
