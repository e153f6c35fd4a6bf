// The type of a task's record: its requirements, its graphs, and how to read texts, generate sequences, and save and
// export models. `tasks` in index.ts has a record per task. A record with a missing field does not compile.
import type { Graph } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import type { CrossAttentionForm } from "../model/encoders.ts";
import type { Compat } from "../platform.ts";
import type { Architecture, Part } from "../weights/architecture.ts";

/** The verbs of the command line that a checkpoint may support, and `pretrain`. */
export const taskNames = ["match", "caption", "ask", "compare", "embed", "retrieve", "pretrain"] as const;

/** The name of a task. */
export type Task = (typeof taskNames)[number];

/** Tasks with their own network. `retrieve` runs the network of `match`. */
export type NetworkTask = Exclude<Task, "retrieve" | "pretrain">;

/** A task's requirements of a checkpoint. */
export interface Needs {
  readonly parts: readonly Part[];
  /** The states that the decoder must have been trained to attend to. */
  readonly decoderAttendsTo?: "image" | "question";
  /** Alternative parts that also suffice. */
  readonly or?: readonly Part[];
}

/** The role of a graph in a task. */
export type GraphRole = "image" | "text" | "cross-attention" | "cross-kv" | "decoder-kv" | "decode";

/** A graph of a task. */
export interface TaskGraph {
  readonly role: GraphRole;
  /** The form of cross-attention, if the graph is one of several. */
  readonly form?: CrossAttentionForm;
  readonly graph: Graph;
}

/**
 * The head over the class tokens of image and text: a joint embedding by the projections of matching or of BlipModel.
 */
export type ImageHead = "contrastive" | "dual";

/** The inputs of graph building. */
export interface TaskModel {
  readonly config: BlipConfig;
  readonly architecture: Architecture;
}

/** Names of the exported files, without `.onnx`. */
export type ExportedGraph =
  "image" | "text" | "match" | "multimodal" | "compare" | "question" | "cross-kv" | "decode" | "score";

/** A model for the description of its export. */
export interface ExportedModel extends TaskModel {
  readonly compat: Compat;
  readonly dtype: "fp32" | "fp16" | "int8";
  readonly tokens: { readonly dec: number; readonly enc: number | undefined; readonly sep: number };
}

/** The transformers class of a saved folder. */
export interface SavedClass {
  readonly architecture: string;
  /** The top-level modules whose weights the class has. */
  readonly modules: readonly string[];
}

/** BLIP's limits of texts: words after clean-up, and tokens if BLIP truncates tokens. */
export interface TextLimits {
  readonly words: number;
  readonly tokens: number | undefined;
  readonly cleanUp: "pre_caption" | "pre_question";
}

/** The limits in a mode. A limit that the mode does not apply is undefined. */
export type ModeLimits = {
  readonly [Name in keyof TextLimits]: TextLimits[Name] | undefined;
};

/** The maximum and minimum length of a sequence in tokens, including [DEC] and the prompt. */
export type Lengths = readonly [maxLength: number, minLength: number];

/** The properties of a task that determine the memory of its batches. */
export interface MemoryShape {
  /**
   * The cross-attention of texts to images: `cached` may cache keys and values of images, `folded` reads their states.
   */
  readonly crossAttention: "cached" | "folded" | undefined;
  /** The states that the decoder attends to: those of images, or of questions, whose answers may also be ranked. */
  readonly decodes: "image" | "question" | undefined;
}

/** The definition of a task that runs a network. */
export interface NetworkTaskSpec<T extends NetworkTask = NetworkTask> {
  /** The task whose network the task runs: its own. */
  readonly runs: T;
  readonly needs: Needs;
  /** The graphs to run. `inspect --graph` prints them, and a checkpoint must have their weights. */
  readonly graphs: (model: TaskModel) => readonly TaskGraph[];
  /** The head over the class token in the task's image graph; undefined if there is none. */
  readonly imageHead: (architecture: Architecture) => ImageHead | undefined;
  /** The graphs of `blip export` by file, in the order of running, for images of `size` pixels per side. */
  readonly exported: (model: TaskModel, size: number) => Partial<Record<ExportedGraph, Graph>>;
  /** How to run the exported files, step by step. */
  readonly exportSteps: (model: ExportedModel) => string[];
  readonly saved: (architecture: Architecture) => SavedClass;
  /** The reason why transformers cannot load the saved folder; undefined if it can. */
  readonly noClass: (config: BlipConfig) => string | undefined;
  /** BLIP's limits of the task's texts. `hf` does not limit texts. */
  readonly text: TextLimits;
  /** Whether [ENC] is the first token of a text that attends to an image. Under `hf`, only NLVR2 uses [ENC]. */
  readonly startsWithEnc: (compat: Compat, architecture: Architecture) => boolean;
  /** The lengths of generated sequences; undefined if the task has no decoder. */
  readonly lengths: Readonly<Record<Exclude<Compat, "hf">, Lengths>> | undefined;
  readonly memory: (architecture: Architecture) => MemoryShape;
}

/** A task that runs the network of another task, or that this package does not run. */
export interface OtherTaskSpec {
  readonly runs: NetworkTask | undefined;
  readonly needs: Needs;
}

export type TaskSpec<T extends Task> = T extends NetworkTask ? NetworkTaskSpec<T> : OtherTaskSpec;
