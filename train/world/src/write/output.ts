// The outputs of rows: shards, which training reads in order, or a list beside a folder of images, which `blip eval`
// reads.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packTar, type TarEntry } from "modern-tar";
import { must } from "@blip-ts/base";
import type { ImageFormat } from "./images.ts";
import type { Json, TaskName } from "./rows.ts";

/** The parts of a row that are written. */
export interface Written {
  /** The key that rows with the same images share. */
  readonly scene: string;
  readonly files: readonly Buffer[];
  readonly record: Readonly<Record<string, Json>>;
}

export interface Output {
  add(row: Written): Promise<void>;
  /** @returns the path for `blip train` or `blip eval` */
  finish(): Promise<string>;
}

const six = (number: number): string => String(number).padStart(6, "0");

/** The number of rows per shard. */
const shardRows = 1000;

const suffix = (format: ImageFormat): string => (format === "png" ? "png" : "jpg");

/** Splits a row into one per caption, if it has several. */
function byCaption(record: Written["record"]): readonly Written["record"][] {
  const { caption } = record;
  return Array.isArray(caption) ? caption.map((text: Json) => ({ ...record, caption: [text] })) : [record];
}

/**
 * Writes webdataset shards `OUT/shards/000000.tar`, ... With `copies` above 1, a row's second caption goes to
 * `1-000000.tar` with a copy of the image, its third one to `2-000000.tar`, and so on. So a batch seldom contains two
 * captions of one image.
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

// The fixed time makes the same rows give the same bytes.
const entry = (name: string, body: Uint8Array): TarEntry => ({
  header: { name, size: body.length, mtime: new Date(0) },
  body,
});

/** The number of images per folder. */
const folderImages = 1000;

/** The field of the image or the two images in a task's list. */
function imageField(
  task: TaskName,
  train: boolean,
  paths: readonly string[],
): Readonly<Record<string, Json>> {
  if (task === "nlvr") return { images: paths };
  return { [task === "match" && !train ? "image_path" : "image"]: must(paths, 0) };
}

/** Writes `OUT/data.jsonl`, or `OUT/data.json` for tasks with lists, beside `OUT/images/`. */
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

  /**
   * The paths of a row's images. Rows of one scene are consecutive and share its file. Each blank scene still has its
   * own file.
   */
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
