// Reads and writes model_index.json, which makes a folder a suite. It names the sub-folders of each task's part and of
// the shared image encoder. It follows diffusers' file of the same name. The file may come from anywhere, so its
// content is not trusted.
import { maxSuiteIndexBytes, suiteIndexFile } from "../files.ts";
import { networkTaskOf, runnableTasks, tasks } from "../tasks/index.ts";
import type { NetworkTask, Task } from "../tasks/task.ts";
import { version } from "../version.ts";
import { badJson, badSuiteIndex, badSuitePath, duplicateInSuite, unknownSuiteTask } from "./errors.ts";
import { sideFileTooLarge } from "./errors.ts";

const className = "BlipSuite";
const versionField = "_blip_ts_version";

/** The folder of the image encoder in suites that this package writes. */
export const imageEncoderFolder = "image_encoder";

/** The checked content of model_index.json. */
export interface SuiteIndex {
  /** The folder of the shared image encoder. */
  readonly imageEncoder: string;
  /** The folder of each task that has a network, in the file's order. */
  readonly folders: ReadonlyMap<NetworkTask, string>;
  /** The tasks that the suite can run; `retrieve` runs the network of `match`. */
  readonly tasks: readonly Task[];
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads model_index.json. Fields whose names begin with `_` may have any content and are ignored, except `_class_name`
 * and `_blip_ts_version`.
 * @param name the suite's name, for messages
 * @throws {ModelError} `model/side-file-too-large`, `model/bad-json`, `suite/bad-index`, `suite/unknown-task`,
 * `suite/bad-path`, `suite/duplicate`
 */
export function readSuiteIndex(text: string, name: string): SuiteIndex {
  const where = `${name}/${suiteIndexFile}`;
  if (text.length > maxSuiteIndexBytes) throw sideFileTooLarge(where, text.length, maxSuiteIndexBytes);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw badJson(where, error instanceof Error ? error.message : String(error));
  }
  const twice = duplicateKey(text);
  if (twice !== undefined)
    throw duplicateInSuite(where, `the name ${JSON.stringify(twice)} twice in one object`);
  if (!isObject(json)) throw badSuiteIndex(where, "the file", "an object", json);
  const {
    _class_name: kind,
    [versionField]: writer,
    image_encoder: encoder,
    tasks: listed,
    ...others
  } = json;
  if (kind !== className) throw badSuiteIndex(where, "_class_name", `"${className}"`, kind);
  if (typeof writer !== "string") throw badSuiteIndex(where, versionField, "a version", writer);
  const unknown = Object.keys(others).find((field) => !field.startsWith("_"));
  if (unknown !== undefined)
    throw badSuiteIndex(where, unknown, "no such field beside image_encoder and tasks", others[unknown]);
  if (!isObject(listed) || Object.keys(listed).length === 0)
    throw badSuiteIndex(where, "tasks", "an object from tasks to folders", listed);
  const imageEncoder = folderOf(where, "image_encoder", encoder);
  return { imageEncoder, ...foldersOf(where, listed, imageEncoder) };
}

function foldersOf(where: string, listed: Json, imageEncoder: string): Pick<SuiteIndex, "folders" | "tasks"> {
  const folders = new Map<NetworkTask, string>();
  const others: (readonly [task: string, network: NetworkTask, folder: string])[] = [];
  for (const [task, value] of Object.entries(listed)) {
    const network = networkTaskOf(task);
    if (network === undefined) throw unknownSuiteTask(where, task, runnableTasks);
    const folder = folderOf(where, `tasks.${task}`, value);
    // On some systems, names that differ only in case denote the same folder.
    if (folder.toLowerCase() === imageEncoder.toLowerCase())
      throw duplicateInSuite(where, `${JSON.stringify(folder)} both for ${task} and for the image encoder`);
    if (network === task) folders.set(network, folder);
    else others.push([task, network, folder]);
  }
  for (const [task, network, folder] of others)
    if (folders.get(network) !== folder)
      throw badSuiteIndex(
        where,
        `tasks.${task}`,
        `the folder of ${network}, whose network it runs (${JSON.stringify(folders.get(network) ?? "not listed")})`,
        folder,
      );
  const spellings = new Map<string, string>();
  for (const folder of folders.values()) {
    const before = spellings.get(folder.toLowerCase());
    if (before !== undefined && before !== folder)
      throw duplicateInSuite(where, `the folders ${before} and ${folder}, which are one on some systems`);
    spellings.set(folder.toLowerCase(), folder);
  }
  return { folders, tasks: tasksIn(folders) };
}

/** Returns the tasks that these networks can run. */
export const tasksIn = (networks: Pick<ReadonlyMap<NetworkTask, unknown>, "has">): readonly Task[] =>
  runnableTasks.filter((task) => {
    const network = tasks[task].runs;
    return network !== undefined && networks.has(network);
  });

const maxFolderName = 100;
const plainName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** Windows' device names, with any extension. */
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Checks that a value is a plain folder name, which cannot lead out of the suite.
 * @throws {ModelError} `suite/bad-index`, `suite/bad-path`
 */
function folderOf(where: string, field: string, value: unknown): string {
  if (typeof value !== "string")
    throw badSuiteIndex(where, field, "the name of a folder beside this file", value);
  const wrong = wrongPath(value);
  if (wrong !== undefined) throw badSuitePath(where, field, wrong, value);
  return value;
}

/** Describes why a name is not plain. Returns undefined if the name is plain. */
function wrongPath(name: string): string | undefined {
  if (/^[A-Za-z]:/.test(name) || name.startsWith("\\\\")) return "a path on a Windows drive";
  if (/^[/\\]/.test(name)) return "an absolute path";
  if (/^[a-z][a-z\d+.-]*:/i.test(name)) return "an address";
  if (name.split(/[/\\]/).includes("..")) return "a path that leads out of the suite's folder";
  if (/[/\\]/.test(name)) return "a path of several folders";
  if (name.length > maxFolderName) return `a name of ${name.length} characters, more than ${maxFolderName}`;
  if (deviceName.test(name) || name.endsWith(".")) return "a name that Windows cannot have";
  return plainName.test(name) ? undefined : "a name with other signs than letters, digits, dots, - and _";
}

/**
 * Returns the first name that occurs twice in one object of a JSON text. `JSON.parse` silently drops the earlier value.
 * @param text valid JSON
 */
function duplicateKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    if (string === undefined || colon === undefined) continue;
    const key = JSON.parse(string) as string;
    const keys = objects.at(-1);
    if (keys?.has(key)) return key;
    keys?.add(key);
  }
  return undefined;
}

/**
 * Returns the text of model_index.json.
 * @param folders the folder of each network; `retrieve` is listed beside `match`
 */
export function suiteIndexText(folders: ReadonlyMap<NetworkTask, string>): string {
  const listed = tasksIn(folders).map((task) => [task, folders.get(networkTaskOf(task) ?? "match")] as const);
  const json = {
    _class_name: className,
    [versionField]: version,
    image_encoder: imageEncoderFolder,
    tasks: Object.fromEntries(listed),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
