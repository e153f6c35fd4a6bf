// Runs `blip train` in child processes that are killed with SIGKILL at random moments, and resumes them.
import { spawn } from "node:child_process";
import { readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import { expect } from "vitest";
import { seededRandom } from "../../src/decode/random.ts";
import { sceneData, sceneList } from "./training-scenes.ts";

const repository = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** A run's command, without its output folder. */
export type Command = readonly string[];

/**
 * The command for 8 scenes, 4 of which are also validation data: 2 steps per epoch, a state after every 3 steps,
 * validation after each epoch.
 */
export async function killedCommand(
  folder: string,
  task: "caption" | "match",
  threads: number,
): Promise<Command> {
  const scenes = await sceneList(8);
  const row = ({ image, true: caption }: { image: string; true: string }) => ({ image, caption });
  const data = await sceneData(join(folder, "data"), scenes, row);
  const validation = await sceneData(join(folder, "validation"), scenes.slice(0, 4), row);
  return [
    ...[
      task,
      data,
      "--model",
      repository(`fixtures/tiny/${task === "caption" ? "caption" : "pretrain-original"}`),
    ],
    ...[
      "--recipe",
      "few",
      "--epochs",
      "12",
      "--queue",
      "4",
      "--save-steps",
      "3",
      "--threads",
      String(threads),
    ],
    ...["--val", validation, "--val-limit", "2", "--val-beams", "1", "--quiet"],
  ];
}

const linesIn = async (path: string): Promise<number> =>
  (await readFile(path, "utf8").catch(() => "")).split("\n").length - 1;

/** The moment of a kill: `later` milliseconds after metrics.jsonl has `rows` rows. */
interface Moment {
  readonly rows: number;
  readonly later: number;
}

/** @returns the exit code; null if the process was killed */
async function blipTrain(command: Command, out: string, moment?: Moment): Promise<number | null> {
  const resume = (await stat(join(out, "run.json")).catch(() => undefined)) ? ["--resume"] : [];
  const args = [repository("packages/blip/bin/blip.js"), "train", ...command, "--out", out, ...resume];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise<number | null>((resolve) => void child.once("exit", resolve));
  const runs = () => child.exitCode === null && child.signalCode === null;
  if (moment) {
    while (runs() && (await linesIn(join(out, "metrics.jsonl"))) < moment.rows)
      await Promise.race([ended, setTimeout(2)]);
    await Promise.race([ended, setTimeout(moment.later)]);
    child.kill("SIGKILL");
  }
  return ended;
}

/** The state of the folder after a kill. */
export interface Left {
  readonly rows: number;
  readonly state: boolean;
  /** Names of unfinished files and folders. */
  readonly unfinished: readonly string[];
  /** Whether the kill came before the process ended. */
  readonly killed: boolean;
}

const namesIn = (folder: string) => readdir(folder).catch((): string[] => []);

async function leftIn(out: string, code: number | null): Promise<Left> {
  const names = [...(await namesIn(out)), ...(await namesIn(join(out, "state")))];
  return {
    rows: await linesIn(join(out, "metrics.jsonl")),
    state: names.includes("training.json"),
    unfinished: names.filter((name) => /partial|\.[\da-f-]{36}$/.test(name)),
    killed: code === null,
  };
}

/** The results of a run that do not depend on the clock. */
async function resultOf(out: string) {
  const file = (...names: string[]) => readFile(join(out, ...names));
  const index = JSON.parse((await file("state/training.json")).toString()) as Record<"last" | "best", string>;
  const rows = (await file("metrics.jsonl")).toString().trim().split("\n");
  return {
    weights: await file("model/model.safetensors"),
    last: await file("state", index.last, "state.safetensors"),
    best: await file("state", index.best, "state.safetensors"),
    rows: rows.map((row) =>
      Object.entries(JSON.parse(row) as object).filter(
        ([name]) => !["imagesPerSecond", "secondsLeft", "waitShare"].includes(name),
      ),
    ),
    names: [(await namesIn(out)).sort(), (await namesIn(join(out, "state"))).sort()],
  };
}

/** Rows of metrics.jsonl after a run of `killedCommand`: 24 steps and 12 epochs. */
const allRows = 36;

/** Moments spread over a run, from before its first row to its end. */
export function moments(count: number, seed: number): Moment[] {
  const random = seededRandom(seed, 0);
  return Array.from({ length: count }, () => {
    const rows = Math.floor(random() * allRows);
    // Before the first row the process starts and loads the model, which takes longest.
    return { rows, later: Math.floor(random() * (rows === 0 ? 1500 : 60)) };
  });
}

/**
 * Kills one run at each of the moments in turn, then lets it end.
 * @returns the state of the folder after each kill
 */
export async function goesOn(command: Command, out: string, kills: readonly Moment[]): Promise<Left[]> {
  const left: Left[] = [];
  for (const moment of kills) {
    const found = await leftIn(out, await blipTrain(command, out, moment));
    left.push(found);
    // The process was killed before it wrote run.json, so the next one needs an empty folder.
    if (!(await namesIn(out)).includes("run.json")) await rm(out, { recursive: true, force: true });
  }
  expect(await blipTrain(command, out)).toBe(0);
  return left;
}

/** Makes an undisturbed run. @returns a function that expects another run to have the same results, bit for bit */
export async function unbroken(
  command: Command,
  out: string,
): Promise<(other: string, what: string) => Promise<void>> {
  expect(await blipTrain(command, out)).toBe(0);
  const whole = await resultOf(out);
  expect(whole.rows).toHaveLength(allRows);
  return async (other, what) => {
    const found = await resultOf(other);
    for (const name of ["weights", "last", "best"] as const)
      expect(found[name].equals(whole[name]), `${name}, ${what}`).toBe(true);
    expect(found.rows, what).toEqual(whole.rows);
    expect(must(found.names, 0), what).toEqual(must(whole.names, 0));
    expect(
      must(found.names, 1).filter((name) => !name.startsWith("step-")),
      what,
    ).toEqual(["training.json"]);
  };
}
