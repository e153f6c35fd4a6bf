// The graphs of each task.
import type { Graph } from "@blip-ts/graph";
import type { Task } from "../weights/tasks-of.ts";
import { decodeGraph, memoryGraph } from "../model/decoder.ts";
import {
  imageGraph,
  multimodalGraph,
  textGraph,
  type LookForm,
  type MultimodalHead,
} from "../model/encoders.ts";
import type { BlipConfig } from "../model/config.ts";
import type { OpenedModel } from "./open-model.ts";

/** Tasks that run a network. */
export type NetworkTask = Exclude<Task, "retrieve" | "pretrain">;

/** Verbs that have graphs; `retrieve` runs those of `match`. */
export const graphTasks: Readonly<Record<string, NetworkTask>> = {
  match: "match",
  retrieve: "match",
  caption: "caption",
  ask: "ask",
  compare: "compare",
  embed: "embed",
};

/** The width of what the decoder attends to. */
export function decoderWidth(opened: Pick<OpenedModel, "architecture">, config: BlipConfig): number {
  return opened.architecture.decoderMemory === "question" ? config.text.hiddenSize : config.vision.hiddenSize;
}

/** Is it transformers' `BlipModel`, whose text model stands alone? */
export const isDual = ({ architecture: { parts } }: Pick<OpenedModel, "architecture">): boolean =>
  parts.has("dual") && !parts.has("visionProj");

/** Texts over images in each form that is chosen among; without a head all states are wanted. */
function lookGraphs(config: BlipConfig, head?: MultimodalHead): Graph[] {
  const of = (form: LookForm) => multimodalGraph(config, head, { form, firstOnly: head === "itm" });
  return head === "nlvr"
    ? [of("folded"), of("plain")]
    : [of("folded"), memoryGraph(config, config.vision.hiddenSize, "text_encoder"), of("cached")];
}

/** The graphs of a task: what `inspect --graph` prints, and whose weights a checkpoint must have. */
export function graphsOf(task: NetworkTask, opened: OpenedModel, config: BlipConfig): readonly Graph[] {
  const decoder = () => [
    memoryGraph(config, decoderWidth(opened, config)),
    decodeGraph(config, { memoryMask: opened.architecture.decoderMemory === "question" }),
  ];
  switch (task) {
    case "match":
      return [
        imageGraph(config, { head: "contrastive" }),
        textGraph(config, "contrastive"),
        ...lookGraphs(config, "itm"),
      ];
    case "embed": {
      const head = isDual(opened) ? "dual" : "contrastive";
      const alone = [imageGraph(config, { head }), textGraph(config, head)];
      return head === "dual" ? alone : [...alone, ...lookGraphs(config)];
    }
    case "caption":
      return [imageGraph(config), ...decoder()];
    case "ask":
      return [imageGraph(config), ...lookGraphs(config), ...decoder()];
    case "compare":
      return [imageGraph(config), ...lookGraphs(config, "nlvr")];
  }
}
