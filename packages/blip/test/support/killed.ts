// Runs an evaluation in a child process, kills it after some rows, and resumes it in another one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvaluateOptions, EvaluationReport, EvaluationTask } from "blip-ts";
import { fixture } from "./goldens.ts";

const door = new URL("../../dist/node.js", import.meta.url).href;
const pictures = ["astronaut", "chelsea", "coffee", "rocket"];
const words = [
  "a woman and her dog",
  "a cat under a tree with snow",
  "two red cars",
  "her house on the beach",
];

/** The row of each task for image `n`; each row has its own image file. */
const rowsOf: Readonly<Record<EvaluationTask, (image: (n: number) => string, n: number) => object>> = {
  retrieval: (image, n) => ({ image: image(n), caption: [words[n % 4], `${words[(n + 1) % 4]} ${n % 7}`] }),
  caption: (image, n) => ({ image: image(n), caption: [words[n % 4]] }),
  nocaps: (image, n) => ({ image: image(n), img_id: n }),
  vqa: (image, n) => ({
    ...{ image: image(n), question: `${words[n % 4]} ?`, question_id: n, dataset: "vqa" },
    answer: Array.from({ length: 10 }, () => "a dog"),
  }),
  nlvr: (image, n) => ({
    images: [image(n), image(n + 1)],
    sentence: words[n % 4],
    label: n % 2 === 0 ? "True" : "False",
  }),
  match: (image, n) => ({ filename: image(n), caption: words[n % 4], negative_caption: words[(n + 1) % 4] }),
};

/** Writes a folder with a list of `rows` rows and their images. */
export async function dataOf(task: EvaluationTask, rows: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "blip-killed-"));
  await mkdir(join(folder, "images"));
  const image = (n: number) => `images/${n % rows}.jpg`;
  for (let n = 0; n < rows; n++)
    await copyFile(fixture(`images/${pictures[n % 4] ?? ""}.jpg`), join(folder, image(n)));
  const list = Array.from({ length: rows }, (_, n) => rowsOf[task](image, n));
  await writeFile(join(folder, "rows.json"), JSON.stringify(list));
  return folder;
}

/** The part of a report that two equal runs have in common. */
export const ofRun = (report: EvaluationReport) => ({ ...report, seconds: 0, files: [] });

/** The complete lines of a file that is being written; none if there is no file. */
export const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, "utf8").catch(() => "")).split("\n").slice(0, -1);

/** Evaluates in another process, and kills it with SIGKILL after `lines` lines. @returns the lines that it left */
export async function killed(
  task: EvaluationTask,
  data: string,
  options: EvaluateOptions & { readonly report: string },
  lines: number,
): Promise<string[]> {
  const rows = options.report.replace(/json$/, "rows.jsonl");
  const program = `import { evaluate } from ${JSON.stringify(door)};
    await evaluate(${JSON.stringify(task)}, ${JSON.stringify(data)}, ${JSON.stringify(options)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "close");
  while (child.exitCode === null && (await linesOf(rows)).length < lines)
    await new Promise((done) => setTimeout(done, 5));
  child.kill("SIGKILL");
  const [, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  if (signal !== "SIGKILL") throw new Error("the evaluation ended before it was killed: give more rows");
  return linesOf(rows);
}
