// Web images with texts for CapFilt, the pairs that a run kept, and runs in child processes that are killed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { last, must } from "@blip-ts/base";
import { readWebRows, type WebRow } from "@blip-ts/datasets/node";
import type { NodeCapFiltOptions } from "blip-ts/train";

const scenes = fileURLToPath(new URL("../../../../examples/scenes/", import.meta.url));
const door = new URL("../../dist/train.js", import.meta.url).href;

export const scene = (n: number): string => join(scenes, `${String((n % 12) + 1).padStart(2, "0")}.png`);

const words = [
  "a woman and her dog",
  "a cat under a tree with snow",
  "two red cars",
  "her house on the beach",
];

/** Writes a folder with `rows` images and JSON lines for them, each with one or two texts and two other columns. */
export async function collected(folder: string, rows: number): Promise<string> {
  await mkdir(join(folder, "images"), { recursive: true });
  const lines: string[] = [];
  for (let n = 0; n < rows; n++) {
    const image = `images/${n}.png`;
    await copyFile(scene(n), join(folder, image));
    const caption = n % 3 === 0 ? [words[n % 4], words[(n + 1) % 4]] : words[n % 4];
    lines.push(JSON.stringify({ image, caption, site: `https://example.org/${n}`, width: 64 + n }));
  }
  await writeFile(join(folder, "rows.jsonl"), `${lines.join("\n")}\n`);
  return join(folder, "rows.jsonl");
}

/** A kept pair with all its columns; images given as bytes are replaced by their lengths. */
export type Kept = Readonly<Record<string, unknown>>;

/** Reads all rows of a data set. */
export async function webRowsOf(path: string, imageRoot?: string): Promise<WebRow[]> {
  const data = await readWebRows(path, imageRoot === undefined ? {} : { imageRoot });
  const found: WebRow[] = [];
  for await (const row of data.rows()) {
    if ("error" in row) throw row.error;
    found.push(row);
  }
  return found;
}

/** The pairs that a run kept: image, texts, and the other columns. */
export async function keptOf(out: string): Promise<Kept[]> {
  const rows = await webRowsOf(join(out, "kept"));
  return rows.map(({ image, texts, fields }) => ({
    image: image.kind === "bytes" ? image.bytes.length : image.kind === "path" ? image.path : image.url,
    texts,
    ...fields,
  }));
}

/** The lines of a run's log, without the first; none if there is no file. */
export const scoresOf = async (out: string): Promise<string[]> =>
  (await readFile(join(out, "scores.jsonl"), "utf8").catch(() => "")).split("\n").slice(1, -1);

/** A scored row of the log. */
export interface Scored {
  readonly n: number;
  readonly seed: number;
  readonly web: readonly { readonly text: string; readonly probability: number | null }[];
  readonly synthetic: {
    readonly text: string;
    readonly probability: number | null;
    readonly tokens: readonly number[];
  };
}
export const scored = async (out: string) => (await scoresOf(out)).map((line) => JSON.parse(line) as Scored);

/** A threshold that keeps some texts and drops others. */
export async function middle(out: string): Promise<number> {
  const all = (await scored(out)).flatMap(({ web, synthetic }) => [...web, synthetic]);
  const sorted = all.flatMap(({ probability }) => probability ?? []).sort((a, b) => a - b);
  const at = Math.floor(sorted.length / 2);
  return (must(sorted, at - 1) + must(sorted, at)) / 2;
}

/**
 * Runs CapFilt in another process. @param after milliseconds until the kill @returns whether it ended before the kill
 */
export async function ended(
  data: string,
  out: string,
  options: NodeCapFiltOptions,
  after?: number,
): Promise<boolean> {
  const program = `import { capfilt } from ${JSON.stringify(door)};
    await capfilt(${JSON.stringify(data)}, ${JSON.stringify(out)}, ${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const timer = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
  const [code, signal] = await closed;
  clearTimeout(timer);
  if (signal !== "SIGKILL" && code !== 0) throw new Error(`the run ended with ${code ?? signal}`);
  return code === 0;
}

/**
 * Kills runs at random moments and resumes each until it ends. @returns the folders of these runs, and of an
 * undisturbed run
 */
export async function killedRuns(
  root: string,
  { rows, kills, seed, options }: { rows: number; kills: number; seed: number; options: NodeCapFiltOptions },
) {
  const data = await collected(join(root, "data"), rows);
  const whole = join(root, "whole");
  const begun = performance.now();
  await ended(data, whole, options);
  const took = performance.now() - begun;
  // A small generator. The moments, as shares of a run's time, are the same in each run of the test.
  let state = seed;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  let killed = 0;
  const cuts = [join(root, "cut")];
  for (let tries = 0; killed < kills && tries < 4 * kills; tries++) {
    // If a run ended before its moment, the next ones start in a new folder.
    if (await ended(data, last(cuts), { ...options, resume: true }, took * random()))
      cuts.push(join(root, `cut-${cuts.length}`));
    else killed++;
  }
  await ended(data, last(cuts), { ...options, resume: true });
  return { killed, whole, cuts };
}
