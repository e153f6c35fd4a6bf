// Kills work at random moments and repeats it. Checks the files after the kill and at the end.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { convert, exportOnnx, inspect, Matcher, quantize } from "blip-ts";
import { fixture } from "./goldens.ts";
import { hubId, serveScriptedHub, type ScriptedHub } from "./scripted-hub.ts";

export const killedKinds = ["download", "keep", "convert", "quantize", "export"] as const;
export type KilledKind = (typeof killedKinds)[number];

export interface KilledReport {
  readonly trials: number;
  /** Number of processes that were killed before their work was done. */
  readonly killed: number;
  /** Number of kills that left files behind. Without any, the test would be worthless. */
  readonly left: number;
  /** The faults found, one per line. */
  readonly faults: readonly string[];
}

const quiet = { onWarning: () => undefined };
const script = fileURLToPath(new URL("killed-work.mjs", import.meta.url));

/** The work's input, output and environment. */
interface Place {
  readonly kind: KilledKind;
  readonly root: string;
  readonly home: string;
  readonly model: string;
  readonly out: string;
  readonly env: Readonly<Record<string, string>>;
}

async function again({ kind, model, out }: Place): Promise<void> {
  switch (kind) {
    case "download":
      await inspect(model, quiet);
      return;
    case "keep":
      await (await Matcher.fromPretrained(model, { ...quiet, dtype: "int8" })).close();
      return;
    case "convert":
      await convert(model, out, { ...quiet, task: "match" });
      return;
    case "quantize":
      await quantize(model, out, { ...quiet, task: "match", dtype: "int8" });
      return;
    case "export":
      await exportOnnx(model, out, { ...quiet, task: "match" });
  }
}

/** All files below a folder, by name, with a hash of their content. */
async function contentOf(folder: string): Promise<Map<string, string>> {
  const content = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if ((await stat(path).catch(() => undefined))?.isFile() !== true) continue;
    content.set(
      relative(folder, path),
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    );
  }
  return content;
}

const isLeftover = (name: string) => /\.partial-|\.incomplete$|\.lock(?:\.guard)?$/.test(name);

/** Runs the work in a child process. @param after milliseconds from the start of the work to SIGKILL */
async function run(
  place: Place,
  after: number | undefined,
): Promise<{ readonly done: boolean; readonly took: number }> {
  const { kind, model, out, env } = place;
  const child = spawn(process.execPath, [script, JSON.stringify({ kind, model, out })], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  let begun = 0;
  let done = false;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "begun") {
      begun = performance.now();
      if (after !== undefined) setTimeout(() => child.kill("SIGKILL"), after);
    } else done = true;
  }
  const [code] = (await ended) as [number | null];
  if (code !== null && code !== 0) throw new Error(`${kind} ended by itself with ${code}`);
  return { done, took: performance.now() - begun };
}

/** Notes beside kept weights contain the file's times, so they are not compared. */
const isNote = (name: string) => name.endsWith(".safetensors.json") && name.includes("weights/");

/** Reports files with a final name whose content is incomplete. */
async function halfWritten(
  { kind, root, out, home }: Place,
  whole: ReadonlyMap<string, string>,
): Promise<string[]> {
  const found = await contentOf(kind === "download" || kind === "keep" ? home : out);
  if (kind === "convert" || kind === "quantize" || kind === "export") {
    if (found.size === 0) return [];
    return found.size === whole.size
      ? []
      : [`${kind}: ${relative(root, out)} holds ${found.size} of ${whole.size} files`];
  }
  const named = [...found].filter(
    ([name]) => !isLeftover(name) && !isNote(name) && !name.includes(".blip-ts"),
  );
  return named.flatMap(([name, hash]) =>
    whole.get(name) === undefined || whole.get(name) === hash ? [] : [`${kind}: ${name} is not whole`],
  );
}

async function leftovers({ root }: Place): Promise<string[]> {
  return (await readdir(root, { recursive: true })).filter(isLeftover);
}

async function serveModel(): Promise<ScriptedHub> {
  const folder = fixture("tiny/match-bin");
  const names = ["config.json", "vocab.txt", "pytorch_model.bin"];
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name))] as const),
  );
  const hub = await serveScriptedHub(Object.fromEntries(files));
  hub.answer = ({ kind, file, from }, response) => {
    const bytes = hub.files.get(file)?.subarray(from);
    if (kind !== "get" || !bytes) return false;
    response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length });
    let at = 0;
    const step = Math.ceil(bytes.length / 20);
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, (at += step)));
      if (at < bytes.length && !response.destroyed) return;
      clearInterval(timer);
      response.end();
    }, 5);
    return true;
  };
  return hub;
}

export interface KillOptions {
  readonly trials: number;
  /** Ends the trials once this many kills have left files behind. */
  readonly enough?: number;
  /** Ends the trials after this many kills; a process that ended before its moment does not count. */
  readonly kills?: number;
  /** The moment of a kill, as a share of the work's time. */
  readonly random: () => number;
}

/** Kills processes at moments spread over the work's time, and repeats the work each time. */
export async function killAndRepeat(
  kind: KilledKind,
  { trials, enough = Infinity, kills = Infinity, random }: KillOptions,
): Promise<KilledReport> {
  await using hub = await serveModel();
  const faults: string[] = [];
  let [killed, left, took, tried] = [0, 0, 0, 0];
  let whole = new Map<string, string>();
  const before = { ...process.env };
  // The first two runs are not killed. The second one measures the time of the work with warm files.
  for (let trial = -2; trial < trials && left < enough && killed < kills; trial++) {
    const root = await mkdtemp(join(tmpdir(), "blip-killed-"));
    const home = join(root, "home");
    const env = { HF_HOME: home, HF_ENDPOINT: hub.origin };
    const model = kind === "download" ? hubId : "picture-book";
    const place: Place = { kind, root, home, model, out: join(root, "out"), env };
    Object.assign(process.env, env);
    try {
      const first = await run(place, trial < 0 ? undefined : random() * took);
      if (trial < 0) {
        took = first.took;
        whole = await contentOf(kind === "download" || kind === "keep" ? home : place.out);
        continue;
      }
      tried++;
      if (!first.done) killed++;
      faults.push(...(await halfWritten(place, whole)));
      if ((await leftovers(place)).length > 0) left++;
      // A folder with the final name is complete, and is not written again.
      const isThere = (await stat(place.out).catch(() => undefined)) !== undefined;
      if (!isThere) await again(place);
      const end = await contentOf(kind === "download" || kind === "keep" ? home : place.out);
      for (const [name, hash] of whole)
        if (isNote(name) ? !end.has(name) : end.get(name) !== hash)
          faults.push(`${kind}: after the next run ${name} is not right`);
      if (!isThere) faults.push(...(await leftovers(place)).map((name) => `${kind}: ${name} was left`));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }
  for (const name of ["HF_HOME", "HF_ENDPOINT"])
    if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = before[name];
  return { trials: tried, killed, left, faults };
}
