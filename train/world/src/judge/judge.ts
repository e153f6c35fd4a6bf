// Judges a model on held-out scenes with `blip eval`, and writes the scores and a table.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../work/files.ts";
import { markdown } from "../work/markdown.ts";
import type { Blip } from "../work/program.ts";
import { scoresOf, type Results, type Scores } from "./scores.ts";
import { judgedTasks, testData, testSets, type JudgedTask, type TestOptions, type TestSet } from "./tests.ts";

export interface JudgeOptions extends TestOptions {
  /** A folder, a suite, or another model that `blip eval` opens. */
  readonly model: string;
  readonly sets: readonly TestSet[];
  readonly tasks: readonly JudgedTask[];
  /** The engine's threads. Default: one per core. */
  readonly threads: number | undefined;
  readonly say: (line: string) => void;
}

/** The scores of a model, as kept beside it. */
export interface Judgement {
  /** The version of the package, and the SHA-256 of the weights for each task. */
  readonly version: string;
  readonly weights: Readonly<Record<string, string>>;
  readonly blind: boolean;
  /** The number of scenes per task. */
  readonly scenes: Readonly<Record<string, number>>;
  readonly scores: Readonly<Record<string, Scores>>;
}

interface Report {
  readonly version: string;
  readonly model: { readonly sha256: string };
  readonly rows: number;
  readonly results: Results[JudgedTask];
}

const extras: Readonly<Partial<Record<JudgedTask, (folder: string) => readonly string[]>>> = {
  caption: (folder) => ["--things", join(folder, "things.json")],
  retrieval: () => ["-k", "16"],
};

async function reportOf(options: JudgeOptions, blip: Blip, set: TestSet, task: JudgedTask): Promise<Report> {
  const { model, work, threads } = options;
  const { folder, rows } = await testData(set, task, options);
  const report = join(work, `eval-${set}-${task}.json`);
  await blip({
    args: [
      ...["eval", task, rows, "--model", model, "--out", report, "--restart"],
      ...(extras[task]?.(folder) ?? []),
      ...(threads === undefined ? [] : ["--threads", String(threads)]),
    ],
    log: join(work, `eval-${set}-${task}.log`),
  });
  return readJson(report) as Report;
}

/** @throws {WorldError} `world/art-missing`, `world/not-built`, `world/blip-failed` */
export async function judge(options: JudgeOptions, blip: Blip): Promise<Judgement> {
  const { sets, tasks, blind, work, say } = options;
  mkdirSync(work, { recursive: true });
  const scores: Record<string, Scores> = {};
  const [weights, scenes]: [Record<string, string>, Record<string, number>] = [{}, {}];
  let version = "";
  for (const set of sets)
    for (const task of tasks) {
      const report = await reportOf(options, blip, set, task);
      // The form of `results` depends on the task.
      const taken = scoresOf(task, report.results as never);
      scores[set] = { ...scores[set], ...taken };
      weights[task] = report.model.sha256;
      scenes[task] = Math.max(1, Math.round(judgedTasks[task].scenes * options.share));
      version = report.version;
      const [[name, score] = ["", Number.NaN]] = Object.entries(taken);
      say(`${set}, ${task}: ${name} ${score.toFixed(1)}`);
    }
  return { version, weights, blind, scenes, scores };
}

/** The scores as a table with a column per test set, followed by a blind model's, if its judgement is given. */
export function table(
  { scores }: Pick<Judgement, "scores">,
  blind: Pick<Judgement, "scores"> = { scores: {} },
): string {
  const sets = Object.keys(testSets) as TestSet[];
  const columns = [
    ...sets.map((set) => [set, scores[set]] as const),
    ...sets.map((set) => [`${set}, blind`, blind.scores[set]] as const),
  ].filter(([, column]) => column !== undefined);
  const names = [...new Set(columns.flatMap(([, column]) => Object.keys(column ?? {})))];
  const cell = (name: string, score: number | undefined) => {
    if (score === undefined) return "";
    return name.endsWith("CIDEr-D") ? score.toFixed(2) : `${score.toFixed(1)} %`;
  };
  return markdown(
    ["", ...columns.map(([head]) => head)],
    names.map((name) => [name, ...columns.map(([, column]) => cell(name, column?.[name]))]),
  );
}
