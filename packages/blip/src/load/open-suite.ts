// Opens a model or a suite for a task. A part of a suite has no image encoder, so its weights are joined with those of
// the shared image encoder.
import { atLeast, ModelError, once, unlessAborted } from "@blip-ts/base";
import type { Checkpoint, StoredTensor } from "@blip-ts/checkpoint";
import type { ModelFiles, SideFile, SourceOptions, SuiteFiles } from "../files.ts";
import type { Platform } from "../platform.ts";
import { tasks as taskSpecs } from "../tasks/index.ts";
import type { NetworkTask, Task } from "../tasks/task.ts";
import { isImageEncoder } from "../weights/names.ts";
import {
  encoderWidth,
  missingPart,
  misplacedTensors,
  severalParts,
  suiteLacks,
  taskNeeded,
} from "./errors.ts";
import type { ModelOptions } from "./model-options.ts";
import { openedFrom, openModel, openWeights, readJson, type OpenedModel } from "./open-model.ts";
import { readSuiteIndex, type SuiteIndex } from "./suite-index.ts";
import { withAdapter, type AdapterPlatform } from "./with-adapter.ts";

/** A suite whose index has been parsed. Each folder is opened once, on demand. */
export class OpenedSuite {
  readonly files: SuiteFiles;
  readonly index: SuiteIndex;
  readonly #encoders = new Map<string, Promise<Checkpoint>>();
  readonly #parts = new Map<string, Promise<OpenedModel>>();

  /** @throws {ModelError} `suite/...` if model_index.json is invalid */
  constructor(files: SuiteFiles) {
    this.files = files;
    this.index = readSuiteIndex(files.index, files.name);
  }

  /** Maps the folder of each part to its networks. */
  get parts(): ReadonlyMap<string, readonly NetworkTask[]> {
    const parts = new Map<string, NetworkTask[]>();
    for (const [task, folder] of this.index.folders) parts.set(folder, [...(parts.get(folder) ?? []), task]);
    return parts;
  }

  /** The image encoder. @throws {ModelError} `suite/missing-part`, `suite/misplaced-tensors`, `checkpoint/...` */
  imageEncoder(): Promise<Checkpoint> {
    const { imageEncoder: folder } = this.index;
    return once(this.#encoders, folder, async () => {
      const checkpoint = await openWeights(await this.#folder(folder, "the image encoder"));
      const others = [...checkpoint.tensors.keys()].filter((name) => !isImageEncoder(name));
      if (others.length > 0)
        throw misplacedTensors(`${this.files.name}/${folder}`, "the image encoder's", others);
      return checkpoint;
    });
  }

  /**
   * Opens the model of a folder, joined with the image encoder's tensors, which are the same objects in all parts.
   * @throws {ModelError} `suite/missing-part`, `suite/misplaced-tensors`, `suite/encoder-width`, `checkpoint/...`
   */
  part(folder: string): Promise<OpenedModel> {
    return once(this.#parts, folder, async () => {
      const encoder = await this.imageEncoder();
      const files = await this.#folder(folder, this.parts.get(folder)?.join(" and ") ?? "no part");
      const own = await openWeights(files);
      const doubled = [...own.tensors.keys()].filter(isImageEncoder);
      if (doubled.length > 0) throw misplacedTensors(files.name, "the part's own", doubled);
      const tensors: ReadonlyMap<string, StoredTensor> = new Map([...own.tensors, ...encoder.tensors]);
      const opened: OpenedModel = {
        ...openedFrom(readOnce(files), { ...own, tensors }),
        inSuite: true,
      };
      await expectWidth(this, opened);
      return opened;
    });
  }

  /**
   * Returns the folder of the part for these tasks.
   * @throws {ModelError} `model/wrong-task`, `suite/several-parts` @throws {UsageError}
   * `suite/task-needed`
   */
  folderOf(tasks: readonly Task[]): string {
    const { name } = this.files;
    if (tasks.length === 0) throw taskNeeded(name, this.index.tasks);
    const folders = tasks.map((task) => {
      const network = taskSpecs[task].runs;
      const folder = network && this.index.folders.get(network);
      if (folder === undefined) throw suiteLacks(name, task, this.index.tasks);
      return folder;
    });
    const [folder, ...others] = atLeast(folders, 1);
    if (others.some((other) => other !== folder)) throw severalParts(name, tasks);
    return folder;
  }

  async #folder(folder: string, what: string): Promise<ModelFiles> {
    try {
      return await this.files.openFolder(folder);
    } catch (error) {
      const missing = ["model/no-weights", "model/not-found", "model/read-failed", "hub/no-weights"];
      if (!(error instanceof ModelError && missing.includes(error.code))) throw error;
      throw missingPart(this.files.name, folder, what, error);
    }
  }
}

/** Small files that are read twice: when parts are joined, and when verbs are created. */
const readTwice: readonly SideFile[] = ["config.json", "processor_config.json", "preprocessor_config.json"];

/** Caches reads of these files. */
function readOnce(files: ModelFiles): ModelFiles {
  const texts = new Map<SideFile, Promise<string | undefined>>();
  return {
    ...files,
    read: (file) => (readTwice.includes(file) ? once(texts, file, () => files.read(file)) : files.read(file)),
  };
}

/** Checks that the image encoder has the width that the part expects. @throws {ModelError} `suite/encoder-width` */
async function expectWidth(
  { files, index }: OpenedSuite,
  { files: part, architecture }: OpenedModel,
): Promise<void> {
  const found = architecture.vision?.hiddenSize;
  const json = await readJson(part, "config.json");
  const said = sizeOf(sizeOf(json, "vision_config"), "hidden_size");
  const widths: readonly (readonly [where: string, width: unknown])[] = [
    [`${part.name}/config.json declares (vision_config.hidden_size)`, said],
    [`the cross-attention of ${part.name} reads`, architecture.text?.encoderWidth],
  ];
  for (const [where, width] of widths)
    if (typeof width === "number" && width !== found)
      throw encoderWidth(`${files.name}/${index.imageEncoder}`, found, where, width);
}

const sizeOf = (value: unknown, field: string): unknown =>
  typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[field]
    : undefined;

const suites = new WeakMap<SuiteFiles, OpenedSuite>();

/** Opens a suite once per files object. @throws {ModelError} `suite/...` if model_index.json is invalid */
export function openSuite(files: SuiteFiles): OpenedSuite {
  const suite = suites.get(files) ?? new OpenedSuite(files);
  suites.set(files, suite);
  return suite;
}

const models = new WeakMap<ModelFiles, Map<"model", Promise<OpenedModel>>>();

/**
 * Opens the model for these tasks: a plain model itself, or the part of a suite, joined with the shared image encoder.
 * Reads no weights. Later calls for the same `files` reuse the opened files, and the tensors of the image encoder are
 * the same objects in all parts. Image states may still differ between parts, because configurations may differ.
 * @param tasks in a suite, all tasks must be in one part; for a plain model, tasks are not checked (see `expectTask`)
 * @throws {ModelError} `model/wrong-task` for a task that a suite lacks, `suite/...`, `checkpoint/...`
 * @throws {UsageError} `suite/task-needed` for a suite without a task
 */
export async function openModelForTasks(
  files: ModelFiles | SuiteFiles,
  tasks: readonly Task[],
): Promise<OpenedModel> {
  if (files.kind === "suite") {
    const suite = openSuite(files);
    return suite.part(suite.folderOf(tasks));
  }
  const opened = models.get(files) ?? new Map<"model", Promise<OpenedModel>>();
  models.set(files, opened);
  return once(opened, "model", () => openModel(files));
}

type Finder = Pick<Platform<never>, "openModel">;

/** Options to find a model and open it. */
export interface OpenOptions extends SourceOptions {
  readonly adapter?: ModelOptions["adapter"];
}

/** Finds a model or a suite. @throws {ModelError} if it cannot be found @throws the signal's reason */
export async function findModel(
  platform: Finder,
  source: string,
  options: SourceOptions,
): Promise<ModelFiles | SuiteFiles> {
  const { signal } = options;
  signal?.throwIfAborted();
  // A download cleans up its files, then throws the signal's reason.
  const files = await platform.openModel(source, options);
  signal?.throwIfAborted();
  return files;
}

/**
 * Finds a model, opens the checkpoint for tasks, and merges `options.adapter`, if given.
 * @param keep whether merged weights may be cached for later loads
 * @throws {ModelError} if the model cannot be found or read, and as `openModelForTasks` and `withAdapter` throw
 * @throws the signal's reason
 */
export async function openSource(
  platform: Finder & AdapterPlatform,
  source: string,
  tasks: readonly Task[],
  options: OpenOptions,
  keep = true,
): Promise<OpenedModel> {
  const files = await findModel(platform, source, options);
  const opened = await unlessAborted(openModelForTasks(files, tasks), options.signal);
  return withAdapter(platform, opened, options, keep);
}
