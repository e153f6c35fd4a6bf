// What the package knows of a task, as one record: what a checkpoint must have for it, its graphs, how its texts are read,
// how its sequences are generated, how it is saved and exported. `tasks` in index.ts has a record for each task; a
// field that a record lacks does not compile.
import type { Graph } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import type { CrossAttentionForm } from "../model/encoders.ts";
import type { Compat } from "../platform.ts";
import type { Architecture, Part } from "../weights/architecture.ts";

/** The verbs of the command line that a checkpoint may be able to do, plus `pretrain`. */
export const taskNames = ["match", "caption", "ask", "compare", "embed", "retrieve", "pretrain"] as const;

/** What a model can be trained for. */
export type Task = (typeof taskNames)[number];

/** Tasks that run a network of their own: `retrieve` runs that of `match`. */
export type NetworkTask = Exclude<Task, "retrieve" | "pretrain">;

/** What a checkpoint must have. */
export interface Needs {
  readonly parts: readonly Part[];
  /** What the decoder must have been trained to attend to. */
  readonly decoderAttendsTo?: "image" | "question";
  /** Other parts that do as well. */
  readonly or?: readonly Part[];
}

/** What a graph does in a task. */
export type GraphRole = "image" | "text" | "cross-attention" | "cross-kv" | "decoder-kv" | "decode";

/** A graph of a task. */
export interface TaskGraph {
  readonly role: GraphRole;
  /** How texts get at images, if the graph is one of several for that. */
  readonly form?: CrossAttentionForm;
  readonly graph: Graph;
}

/** What is made of an image's class token, and of a text's: a joint embedding, by the projections of matching or BlipModel's. */
export type ImageHead = "contrastive" | "dual";

/** What graphs are built of. */
export interface TaskModel {
  readonly config: BlipConfig;
  readonly architecture: Architecture;
}

/** Names of the exported files, without `.onnx`. */
export type ExportedGraph =
  "image" | "text" | "match" | "multimodal" | "compare" | "question" | "cross-kv" | "decode" | "score";

/** A model as its export describes it. */
export interface ExportedModel extends TaskModel {
  readonly compat: Compat;
  readonly dtype: "fp32" | "fp16" | "int8";
  readonly tokens: { readonly dec: number; readonly enc: number | undefined; readonly sep: number };
}

/** The class of transformers that a saved folder is of. */
export interface SavedClass {
  readonly architecture: string;
  /** Its weights, by top-level module. */
  readonly modules: readonly string[];
}

/** How BLIP cuts texts: words after its clean-up, and tokens, if it cuts these. */
export interface TextLimits {
  readonly words: number;
  readonly tokens: number | undefined;
  readonly cleanUp: "pre_caption" | "pre_question";
}

/** The same of a mode that may not clean texts: undefined is what it does not do. */
export type ModeLimits = {
  readonly [Name in keyof TextLimits]: TextLimits[Name] | undefined;
};

/** The longest and the shortest sequence, in tokens, [DEC] and prompt included. */
export type Lengths = readonly [maxLength: number, minLength: number];

/** What a task's batches take in memory beside the weights. */
export interface MemoryShape {
  /** Texts over images: `cached` may keep keys and values of images, `folded` reads their states. */
  readonly crossAttention: "cached" | "folded" | undefined;
  /** Decoded sequences attend to images, or to questions, which may be ranked as well. */
  readonly decodes: "image" | "question" | undefined;
}

/** All that is known of a task that runs a network. */
export interface NetworkTaskSpec<T extends NetworkTask = NetworkTask> {
  /** The task whose network it runs: itself. */
  readonly runs: T;
  readonly needs: Needs;
  /** The graphs that run; `inspect --graph` prints them, and a checkpoint must have their weights. */
  readonly graphs: (model: TaskModel) => readonly TaskGraph[];
  /** What the task's image graph makes of the class token, if anything. */
  readonly imageHead: (architecture: Architecture) => ImageHead | undefined;
  /** The graphs of `blip export`, by file, in the order in which they run, for images of `size` pixels a side. */
  readonly exported: (model: TaskModel, size: number) => Partial<Record<ExportedGraph, Graph>>;
  /** How the exported files are run, step by step. */
  readonly exportSteps: (model: ExportedModel) => string[];
  readonly saved: (architecture: Architecture) => SavedClass;
  /** Why transformers cannot load the saved folder, if it cannot. */
  readonly noClass: (config: BlipConfig) => string | undefined;
  /** How BLIP cuts the task's texts. `hf` reads texts as they are. */
  readonly text: TextLimits;
  /** Does [ENC] stand first when a text attends to an image? It never does under `hf`, except for NLVR2. */
  readonly startsWithEnc: (compat: Compat, architecture: Architecture) => boolean;
  /** The lengths of what the decoder generates; undefined if the task has no decoder. */
  readonly lengths: Readonly<Record<Exclude<Compat, "hf">, Lengths>> | undefined;
  readonly memory: (architecture: Architecture) => MemoryShape;
}

/** A task that runs the network of another one, or none that this package runs. */
export interface OtherTaskSpec {
  readonly runs: NetworkTask | undefined;
  readonly needs: Needs;
}

export type TaskSpec<T extends Task> = T extends NetworkTask ? NetworkTaskSpec<T> : OtherTaskSpec;
