// What a platform (Node, the browser) does for the isomorphic code. `node.ts` and `web.ts` hand it in.
import { type Closable } from "@blip-ts/base";
import type { EmitOptions } from "@blip-ts/graph";
import type { ByteSource } from "./byte-source.ts";
import type { RgbImage } from "./image/raw-image.ts";
import type { Engine } from "./runtime/runtime.ts";

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

export type SideFile = (typeof sideFiles)[number];

/** A model found: its weights as byte sources, and its small files as text. */
export interface ModelFiles {
  /** The path or id as the user gave it, for messages. */
  readonly name: string;
  /** A single file has nothing beside it. */
  readonly kind: "folder" | "file";
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

/** The type in which a network computes. */
export type NetworkDType = "fp32" | "fp16" | "int8";

/** Bytes that arrive while a model is fetched, or that are written while its weights are converted. */
export interface DownloadProgress {
  readonly kind: "download" | "convert";
  readonly file: string;
  readonly loaded: number;
  readonly total: number;
}

/** Where a model comes from, and how it is fetched. */
export interface SourceOptions {
  /** Branch, tag or commit of a Hub repository; `main` unless told. */
  readonly revision?: string | undefined;
  /** Makes no request: only what is in the cache. */
  readonly offline?: boolean | undefined;
  /**
   * Stops the loading, of a local model between its steps: the call ends with the signal's reason, and nothing stays open.
   * A page fetches weights when they are first needed: there it holds for as long as the model is used.
   */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Called with what the caller should know and may ignore; without it, warnings go to the platform's console. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** Something that the caller should know and may ignore. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** Whose conventions, where the references differ. */
export type Compat = "hf" | "blip" | "lavis";

export interface DecodeOptions {
  /** `white`: transparency over white; `drop`: the alpha channel is thrown away. */
  readonly alpha: "white" | "drop";
  /** `upright` turns a picture as its EXIF orientation says. */
  readonly orientation: "stored" | "upright";
  /** 16-bit grey: `clip` at 255 as Pillow, or `scale` to 8 bits. */
  readonly grey16: "clip" | "scale";
  /** Most pixels of an image, checked before memory is taken for them: 178,956,970 unless told, as in Pillow. */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** What computes, by the names of ONNX Runtime's execution providers. */
export type Device = "cpu" | "webgpu" | "cuda" | "coreml" | "dml";

export interface EngineOptions {
  readonly threads?: number | undefined;
  /**
   * What computes: `cpu` unless told. `auto` is the best device that is present and passes its self-test. One that is
   * not present is refused.
   */
  readonly device?: Device | "auto" | undefined;
  /** Where ONNX Runtime's trace of what ran is written (the format of chrome://tracing) when the model is closed. */
  readonly profile?: string | undefined;
  /** Called when the trace is written. */
  readonly onProfile?: ((profile: Profile) => void) | undefined;
}

/** How long an operator took, over all calls of all sessions. */
export interface ProfiledOperator {
  readonly operator: string;
  /** What it ran on, by ONNX Runtime's name: "CPU", "WebGpu", ... */
  readonly provider: string;
  readonly calls: number;
  readonly milliseconds: number;
}

/** What a trace says in short. */
export interface Profile {
  readonly file: string;
  readonly sessions: readonly string[];
  /** By time, the longest first. */
  readonly operators: readonly ProfiledOperator[];
}

/** A device as a platform knows it before it is tried. */
export interface PlatformDevice {
  readonly device: Device;
  /** Why it cannot be on this platform. */
  readonly absent?: string | undefined;
  /** Looks for what it needs: what is missing, where that can be told before it is tried. */
  readonly missing?: (() => string | undefined) | undefined;
  /** What to do where it cannot be used. */
  readonly hint?: string | undefined;
  /** How graphs are lowered for it: what it lacks. */
  readonly emit?: EmitOptions | undefined;
}

/** A folder that is being written; it is there under its name only when it is whole. */
export interface FolderWriter extends Closable {
  write(file: string, content: string | AsyncIterable<Uint8Array>): Promise<void>;
  /** Gives the folder its name. Without it, `close` throws away what was written. */
  commit(): Promise<void>;
}

/** Weights to be made of a model's own, once. */
export interface DerivedWeights {
  /** The files that hold the original ones. */
  readonly sources: readonly ByteSource[];
  /** Their type, `int8` or `float16`: what of one model stands beside each other. */
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

/** Input: whatever this platform takes for a picture. */
export interface Platform<ImageInput> {
  openModel(source: string, options: SourceOptions): Promise<ModelFiles>;
  /** bert-base-uncased's vocab.txt. */
  bundledVocabulary(): Promise<string>;
  /** From the best to the slowest. */
  readonly devices: readonly PlatformDevice[];
  /** An engine on one device; that the device is there shows when its first session is made. */
  createEngine(options: EngineOptions & { readonly device: Device }): Engine;
  decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage>;
  /**
   * Begins a folder that does not exist yet, or is empty.
   * @throws {UsageError} `save/exists`, `save/cannot-write`
   */
  createFolder(path: string): Promise<FolderWriter>;
  /**
   * Weights that were made before, or are made now and kept for the next time. They are made anew where the sources
   * have changed; older ones of the same type and sources go. Where nothing can be kept they are made in memory, with a
   * warning that says why.
   * @param renew makes them anew in any case: what was kept turned out to be unusable
   */
  deriveWeights(weights: DerivedWeights, renew: boolean): Promise<ByteSource>;
  /** Prints a warning where no `onWarning` takes it. */
  warn(warning: Warning): void;
}
