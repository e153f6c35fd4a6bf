// The files of a model: types for platforms that find, fetch, convert and write model files.
import { optionNames, type ByteSource, type Closable, type Warning } from "@blip-ts/base";

/** The files that may accompany the weights in a model's folder. */
export const sideFiles = [
  "config.json",
  "processor_config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
  "generation_config.json",
] as const;

/** A small file beside the weights. */
export type SideFile = (typeof sideFiles)[number];

/** The files that may hold a model's weights. The first existing file is used. An index represents its shards. */
export const weightsFiles = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
] as const;

/**
 * Whether a file is a checkpoint in the original form. Hidden files are none: macOS puts `._model.pth` beside
 * `model.pth` on foreign disks and in archives.
 */
export const isOriginalCheckpoint = (name: string): boolean => name.endsWith(".pth") && !name.startsWith(".");

export type ShardIndexFile = Extract<(typeof weightsFiles)[number], `${string}.index.json`>;

/** Whether a file is an index of weight shards. */
export const isShardIndex = (name: string): name is ShardIndexFile =>
  name === "model.safetensors.index.json" || name === "pytorch_model.bin.index.json";

const settingsBytes = 4_000_000;
/** The most bytes of a vocabulary file. BERT's largest tokenizer.json, with 119,547 tokens, has 1,961,828 bytes. */
const tokenizerBytes = 8_000_000;

/** The most bytes of each side file. Larger files are not read. */
export const maxSideFileBytes: Readonly<Record<SideFile | ShardIndexFile, number>> = {
  "config.json": settingsBytes,
  "processor_config.json": settingsBytes,
  "preprocessor_config.json": settingsBytes,
  "tokenizer.json": tokenizerBytes,
  "tokenizer_config.json": settingsBytes,
  "vocab.txt": tokenizerBytes,
  "generation_config.json": settingsBytes,
  "model.safetensors.index.json": settingsBytes,
  "pytorch_model.bin.index.json": settingsBytes,
};

/** The most nesting levels, and the most values in total, of a JSON side file. */
export const sideFileLimits = { depth: 64, items: 2_000_000 } as const;

/** A model's files: its weights as byte sources, and its small files as text. */
export interface ModelFiles {
  /** The path or id as the user gave it, for messages. */
  readonly name: string;
  /** Whether the model is a folder, or a single file, which has no side files. */
  readonly kind: "folder" | "file";
  /** Whether this is the model bundled with the package, which knows only drawings. */
  readonly embedded?: boolean;
  /** The weights: one file, or the shards with their index. */
  readonly weights:
    | { readonly kind: "single"; readonly source: ByteSource }
    | {
        readonly kind: "sharded";
        readonly indexName: string;
        readonly index: unknown;
        open(file: string): Promise<ByteSource>;
      };
  /** Reads the text of a small file. Returns undefined if the file does not exist. */
  read(file: SideFile): Promise<string | undefined>;
}

/** The file that makes a folder a suite. */
export const suiteIndexFile = "model_index.json";

/** The most bytes of model_index.json. A file that lists all tasks has about 400 bytes. */
export const maxSuiteIndexBytes = 65_536;

/** A suite's files: a folder with a part per task, and the shared image encoder. */
export interface SuiteFiles {
  /** The path or id as the user gave it, for messages. */
  readonly name: string;
  /** Distinguishes a suite's files from a model's. */
  readonly kind: "suite";
  /** The unchecked text of model_index.json. */
  readonly index: string;
  /**
   * Opens the model in a folder of the suite. Each call looks for the folder again and fetches missing files.
   * @param folder a plain name of a folder beside model_index.json
   * @throws {ModelError} if the folder holds no weights
   */
  openFolder(folder: string): Promise<ModelFiles>;
}

/** Marks a model, or each part of a suite, as the one that is bundled with the package. */
export const asEmbedded = (files: ModelFiles | SuiteFiles): ModelFiles | SuiteFiles =>
  files.kind === "suite"
    ? { ...files, openFolder: async (folder) => ({ ...(await files.openFolder(folder)), embedded: true }) }
    : { ...files, embedded: true };

/** An adapter's files in PEFT's format, unchecked: updates of a model's weights. */
export interface AdapterFiles {
  /** The path or address as the user gave it, for messages. */
  readonly name: string;
  /** The text of adapter_config.json. */
  readonly config: string;
  /** adapter_model.safetensors. */
  readonly weights: ByteSource;
}

/** The names of an adapter's files in its folder. */
export const adapterFiles = {
  config: "adapter_config.json",
  weights: "adapter_model.safetensors",
} as const;

/** The most bytes of adapter_config.json. A file that lists every module of a large model has about 20,000 bytes. */
export const maxAdapterConfigBytes = 1_000_000;

/** The progress of fetching a model, or of converting its weights, in bytes. */
export interface DownloadProgress {
  /** Whether the file is downloaded or converted. */
  readonly kind: "download" | "convert";
  /** The file's name. */
  readonly file: string;
  /** The number of bytes so far. */
  readonly loaded: number;
  /** The total number of bytes. */
  readonly total: number;
}

/** Options to find and fetch a model. */
export interface SourceOptions {
  /** The branch, tag or commit of a Hub repository; `main` by default. */
  readonly revision?: string | undefined;
  /** Uses only the cache and sends no requests. Default: false. */
  readonly offline?: boolean | undefined;
  /**
   * Also follows redirects from public to private addresses, for the Hub and for image URLs; `false` by default, so
   * that no server can make this program access its own network. An address given by the caller is always requested. In
   * a page, the browser decides.
   */
  readonly allowPrivateRedirects?: boolean | undefined;
  /**
   * Cancels the loading. A local model stops between loading steps. The call rejects with the signal's reason and
   * closes everything that it opened. A page fetches weights on demand, so there the signal applies as long as the
   * model is used.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called while files are downloaded or converted. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Receives warnings; by default they go to the platform's console. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

export const sourceOptionNames = optionNames<SourceOptions>()({
  revision: true,
  offline: true,
  allowPrivateRedirects: true,
  signal: true,
  onProgress: true,
  onWarning: true,
});

/** A folder that is being written. It gets its name only when it is complete. */
export interface FolderWriter extends Closable {
  /** Writes a file. @param file a file name, or a folder and a file name separated by a slash */
  write(file: string, content: string | AsyncIterable<Uint8Array>): Promise<void>;
  /** Gives the folder its final name. Without this call, `close` discards the written files. */
  commit(): Promise<void>;
}

/** Weights that are derived once from a model's original weights. */
export interface DerivedWeights {
  /** The files with the original weights. */
  readonly sources: readonly ByteSource[];
  /**
   * `int8`, `float16`, or `merged` with an adapter. Derived weights of different types are cached side by side.
   */
  readonly type: string;
  /** Everything other than the files that determines the bytes: the method, and all tensors with their positions. */
  readonly recipe: string;
  /**
   * Computes the bytes of a safetensors file.
   * @param whole whether to include the unchanged tensors, so that the original file is not needed later
   */
  bytes(whole?: boolean): AsyncIterable<Uint8Array>;
  /** Reports a warning to the caller. */
  warn(warning: Warning): void;
}
