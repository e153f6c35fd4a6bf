// Where rows go: shards, as training reads them one behind the other, or a list beside a folder of images, as `blip eval`
// reads it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packTar, type TarEntry } from "modern-tar";
import { must } from "@blip-ts/base";
import type { ImageFormat } from "./images.ts";
import type { Json, TaskName } from "./rows.ts";

/** What is written of a row. */
export interface Written {
  /** What is equal for rows of the same images. */
  readonly scene: string;
  readonly files: readonly Buffer[];
  readonly record: Readonly<Record<string, Json>>;
}

export interface Output {
  add(row: Written): Promise<void>;
  /** @returns the path that `blip train` or `blip eval` is given */
  finish(): Promise<string>;
}

const six = (number: number): string => String(number).padStart(6, "0");

/** Rows of a shard. */
const shardRows = 1000;

const suffix = (format: ImageFormat): string => (format === "png" ? "png" : "jpg");

/** One row per caption, if the row has several. */
function byCaption(record: Written["record"]): readonly Written["record"][] {
  const { caption } = record;
  return Array.isArray(caption) ? caption.map((text: Json) => ({ ...record, caption: [text] })) : [record];
}

/**
 * `OUT/shards/000000.tar`, ...: webdataset. With `copies` above 1, a row's second caption goes to `1-000000.tar`, beside a
 * copy of the image, its third one to `2-000000.tar`, and so on: a batch seldom contains two captions of one image.
 */
export class Shards implements Output {
  readonly #folder: string;
  readonly #suffix: string;
  readonly #copies: readonly TarEntry[][];
  #rows = 0;

  constructor(out: string, format: ImageFormat, copies = 1) {
    this.#folder = join(out, "shards");
    this.#suffix = suffix(format);
    this.#copies = Array.from({ length: copies }, () => []);
    mkdirSync(this.#folder, { recursive: true });
  }

  async add({ files, record }: Written): Promise<void> {
    const key = six(this.#rows);
    const names =
      files.length === 1 ? [this.#suffix] : files.map((_, side) => `image_${side}.${this.#suffix}`);
    const records = this.#copies.length === 1 ? [record] : byCaption(record);
    for (const [copy, said] of records.slice(0, this.#copies.length).entries()) {
      const entries = must(this.#copies, copy);
      for (const [at, name] of names.entries()) entries.push(entry(`${key}.${name}`, must(files, at)));
      entries.push(entry(`${key}.json`, Buffer.from(JSON.stringify(said))));
    }
    this.#rows++;
    if (this.#rows % shardRows === 0) await this.#flush();
  }

  async finish(): Promise<string> {
    if (this.#rows % shardRows > 0) await this.#flush();
    return this.#folder;
  }

  async #flush(): Promise<void> {
    const shard = six(Math.ceil(this.#rows / shardRows) - 1);
    for (const [copy, entries] of this.#copies.entries()) {
      const name = this.#copies.length === 1 ? shard : `${copy}-${shard}`;
      if (entries.length > 0) writeFileSync(join(this.#folder, `${name}.tar`), await packTar(entries));
      entries.length = 0;
    }
  }
}

// A fixed time: the same rows are the same bytes.
const entry = (name: string, body: Uint8Array): TarEntry => ({
  header: { name, size: body.length, mtime: new Date(0) },
  body,
});

/** Images of a folder. */
const folderImages = 1000;

/** The field of an image, or of two, in a task's list. */
function imageField(
  task: TaskName,
  train: boolean,
  paths: readonly string[],
): Readonly<Record<string, Json>> {
  if (task === "nlvr") return { images: paths };
  return { [task === "match" && !train ? "image_path" : "image"]: must(paths, 0) };
}

/** `OUT/data.jsonl`, or for tasks whose files are lists `OUT/data.json`, beside `OUT/images/`. */
export class Listed implements Output {
  readonly #out: string;
  readonly #task: TaskName;
  readonly #train: boolean;
  readonly #suffix: string;
  readonly #lines: string[] = [];
  #images = 0;
  #last: { readonly scene: string; readonly paths: readonly string[] } | undefined;

  constructor(out: string, task: TaskName, train: boolean, format: ImageFormat) {
    this.#out = out;
    this.#task = task;
    this.#train = train;
    this.#suffix = suffix(format);
    mkdirSync(out, { recursive: true });
  }

  add(row: Written): Promise<void> {
    const line = { ...imageField(this.#task, this.#train, this.#paths(row)), ...row.record };
    this.#lines.push(JSON.stringify(line));
    return Promise.resolve();
  }

  finish(): Promise<string> {
    const list = this.#task !== "match" && this.#task !== "web";
    const path = join(this.#out, list ? "data.json" : "data.jsonl");
    const text = this.#lines.join(list ? ",\n" : "\n");
    writeFileSync(path, list ? `[\n${text}\n]\n` : `${text}\n`);
    return Promise.resolve(path);
  }

  /** Rows of one scene follow each other, and share its file. Blank images are one scene each all the same. */
  #paths({ scene, files }: Written): readonly string[] {
    if (this.#last?.scene === scene) return this.#last.paths;
    const paths = files.map((file) => {
      const number = this.#images++;
      const folder = join("images", String(Math.floor(number / folderImages)).padStart(3, "0"));
      mkdirSync(join(this.#out, folder), { recursive: true });
      const path = `${folder}/${six(number)}.${this.#suffix}`;
      writeFileSync(join(this.#out, path), file);
      return path;
    });
    this.#last = { scene, paths };
    return paths;
  }
}
