// Trials of concurrent loads of one model: three in this process, one in each of three child processes.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "blip-ts";
import { fixture } from "./goldens.ts";
import { etagOf, hubId, serveScriptedHub, type ScriptedHub } from "./scripted-hub.ts";

/** The results of the trials. */
export interface AtOnceReport {
  readonly trials: number;
  /** The error of each failed load. */
  readonly failures: readonly string[];
  /** Trials in which a file was sent more than once, or not at all. */
  readonly resent: number;
  /** Trials that left other files beside the model's. */
  readonly littered: number;
}

const modelFiles = ["config.json", "vocab.txt", "tokenizer.json", "pytorch_model.bin"];

async function readModel(): Promise<Record<string, Buffer>> {
  const folder = fixture("tiny/match-bin");
  const names = (await readdir(folder)).filter((name) => modelFiles.includes(name));
  const read = async (name: string) => [name, await readFile(join(folder, name))] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

async function startLoader(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("hub-loader.mjs", import.meta.url)), [], { execArgv: [] });
  await once(child, "message");
  return child;
}

async function loadIn(child: ChildProcess, env: object, after: number): Promise<string | undefined> {
  child.send({ id: hubId, env, after });
  const [found] = (await once(child, "message")) as [{ readonly error?: string }];
  return found.error;
}

async function loadHere(after: number): Promise<string | undefined> {
  await new Promise((resolve) => setTimeout(resolve, after));
  try {
    await inspect(hubId, { onWarning: () => undefined });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Sends files in pieces, so that loads meet each other's transfers. */
function slowly(hub: ScriptedHub, pieces: number): void {
  hub.answer = ({ kind, file, from }, response) => {
    const bytes = hub.files.get(file);
    if (kind !== "get" || !bytes || from > 0) return false;
    response.writeHead(200, { "content-length": bytes.length });
    const step = Math.ceil(bytes.length / pieces);
    let at = 0;
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, (at += step)));
      if (at >= bytes.length || response.destroyed) {
        clearInterval(timer);
        response.end();
      }
    }, 4);
    return true;
  };
}

async function isLittered(home: string, files: Readonly<Record<string, Buffer>>): Promise<boolean> {
  const repository = join(home, "hub", "models--someone--blip-tiny");
  const blobs = (await readdir(join(repository, "blobs"))).sort();
  const expected = Object.values(files).map(etagOf).sort();
  const locks = await readdir(join(home, "hub", ".locks", "models--someone--blip-tiny"));
  const names = await readdir(home, { recursive: true });
  return (
    locks.length > 0 ||
    JSON.stringify(blobs) !== JSON.stringify(expected) ||
    names.some((name) => name.includes(".partial-"))
  );
}

export async function loadAtOnce(trials: number, random: () => number): Promise<AtOnceReport> {
  const files = await readModel();
  const children = await Promise.all([startLoader(), startLoader(), startLoader()]);
  const failures: string[] = [];
  let [resent, littered] = [0, 0];
  const before = { home: process.env.HF_HOME, endpoint: process.env.HF_ENDPOINT };
  try {
    for (let trial = 0; trial < trials; trial++) {
      await using hub = await serveScriptedHub(files);
      slowly(hub, 1 + Math.floor(random() * 30));
      const home = await mkdtemp(join(tmpdir(), "blip-at-once-"));
      const env = { HF_HOME: home, HF_ENDPOINT: hub.origin };
      Object.assign(process.env, env);
      const after = () => Math.floor(random() * 60);
      const loads = [
        ...children.map((child) => loadIn(child, env, after())),
        ...[0, 0, after()].map(loadHere),
      ];
      failures.push(...(await Promise.all(loads)).filter((error) => error !== undefined));
      const sent = hub.sent().sort();
      if (
        JSON.stringify(sent) !==
        JSON.stringify(
          Object.keys(files)
            .map((name) => `${name}@0`)
            .sort(),
        )
      )
        resent++;
      if (await isLittered(home, files)) littered++;
      await rm(home, { recursive: true, force: true });
    }
  } finally {
    for (const child of children) child.kill("SIGKILL");
    restore("HF_HOME", before.home);
    restore("HF_ENDPOINT", before.endpoint);
  }
  return { trials, failures, resent, littered };
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
