// The files of a model, as a platform finds, fetches, converts and writes them.
import { optionNames, type ByteSource, type Closable, type Warning } from "@blip-ts/base";

/** The files beside the weights that a model folder may have. */
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

/** The files that hold a model's weights, the first that is there counts; an index stands for its shards. */
export const weightsFiles = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
] as const;

export type ShardIndexFile = Extract<(typeof weightsFiles)[number], `${string}.index.json`>;

/** Does a file say which files hold the weights? */
export const isShardIndex = (name: string): name is ShardIndexFile =>
  name === "model.safetensors.index.json" || name === "pytorch_model.bin.index.json";

const settingsBytes = 4_000_000;
/** BERT's largest tokenizer.json, of 119,547 tokens, has 1,961,828. */
const tokenizerBytes = 8_000_000;

/** Most bytes of each. What is larger is not read. */
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

/** Levels of objects and arrays, and values in all, of a side file that is JSON. */
export const sideFileLimits = { depth: 64, items: 2_000_000 } as const;

/** A model found: its weights as byte sources, and its small files as text. */
export interface ModelFiles {
  /** The path or id as the user gave it, for messages. */
  readonly name: string;
  /** A single file has nothing beside it. */
  readonly kind: "folder" | "file";
  /** Is it the model that travels in this package, which knows drawings alone? */
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
  /** The text of a small file, or undefined where there is none. */
  read(file: SideFile): Promise<string | undefined>;
}

/** The file that makes a folder a suite. */
export const suiteIndexFile = "model_index.json";

/** Most bytes of that file; one that lists all tasks has some 400. */
export const maxSuiteIndexBytes = 65_536;

/** A suite found: a folder with a part for each task, and the image encoder that they share. */
export interface SuiteFiles {
  /** The path or id as the user gave it, for messages. */
  readonly name: string;
  /** Tells a suite's files from a model's. */
  readonly kind: "suite";
  /** The text of model_index.json. Nothing of it has been checked. */
  readonly index: string;
  /**
   * The model in one of its folders. Each call looks for it anew, and fetches what is missing.
   * @param folder a plain name, which stands beside model_index.json
   * @throws {ModelError} where there are no weights in it
   */
  openFolder(folder: string): Promise<ModelFiles>;
}

/** An adapter found, in PEFT's form: updates of a model's weights. Nothing of it has been checked. */
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

/** Most bytes of adapter_config.json; one that lists every module of a large model has some 20,000. */
export const maxAdapterConfigBytes = 1_000_000;

/** Bytes that arrive while a model is fetched, or that are written while its weights are converted. */
export interface DownloadProgress {
  /** What happens to the file. */
  readonly kind: "download" | "convert";
  /** Its name. */
  readonly file: string;
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all. */
  readonly total: number;
}

/** Where a model comes from, and how it is fetched. */
export interface SourceOptions {
  /** Branch, tag or commit of a Hub repository; `main` unless told. */
  readonly revision?: string | undefined;
  /** Makes no request: only what is in the cache. Off unless told. */
  readonly offline?: boolean | undefined;
  /**
   * Follows redirects from public to private addresses too, of the Hub and of image URLs: `false` unless told, so that
   * no server can make this program look at what stands in its own network. An address that is given is asked in any case.
   * A page's browser decides by itself.
   */
  readonly allowPrivateRedirects?: boolean | undefined;
  /**
   * Stops the loading, of a local model between its steps: the call ends with the signal's reason, and nothing stays open.
   * A page fetches weights when they are first needed: there it holds for as long as the model is used.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called while files are downloaded or converted. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Called with what the caller should know and may ignore; without it, warnings go to the platform's console. */
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

/** A folder that is being written; it is there under its name only when it is whole. */
export interface FolderWriter extends Closable {
  /** @param file a name, or a folder's and a name with a slash between them */
  write(file: string, content: string | AsyncIterable<Uint8Array>): Promise<void>;
  /** Gives the folder its name. Without it, `close` throws away what was written. */
  commit(): Promise<void>;
}

/** Weights to be made of a model's own, once. */
export interface DerivedWeights {
  /** The files that hold the original ones. */
  readonly sources: readonly ByteSource[];
  /** Their type, `int8` or `float16`, or `merged` with an adapter: what of one model stands beside each other. */
  readonly type: string;
  /** What besides the files decides the bytes: how they are made, and all tensors with their places. */
  readonly recipe: string;
  /**
   * A safetensors file.
   * @param whole with the tensors that stay as they are, so that the original file need not be read again
   */
  bytes(whole?: boolean): AsyncIterable<Uint8Array>;
  /** Says what the caller should know. */
  warn(warning: Warning): void;
}
