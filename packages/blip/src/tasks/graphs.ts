// Graphs that several tasks share.
import { decodeGraph, crossKeysAndValuesGraph } from "../model/decoder.ts";
import { multimodalGraph, type CrossAttentionForm, type MultimodalHead } from "../model/encoders.ts";
import type { BlipConfig } from "../model/config.ts";
import type { Architecture } from "../weights/architecture.ts";
import type { TaskGraph, TaskModel } from "./task.ts";

/** The width of the states that the decoder attends to: image states, or question states in question answering. */
export function decoderWidth(architecture: Architecture, config: BlipConfig): number {
  return architecture.decoderAttendsTo === "question" ? config.text.hiddenSize : config.vision.hiddenSize;
}

/** Whether the model is transformers' `BlipModel`, which has a separate text model. */
export const isDual = ({ parts }: Architecture): boolean => parts.has("dual") && !parts.has("visionProj");

/**
 * The graphs of cross-attention from texts to images, in all available forms. Without a head, they return all states.
 */
export function crossAttentionGraphs(config: BlipConfig, head?: MultimodalHead): TaskGraph[] {
  const inForm = (form: CrossAttentionForm): TaskGraph => ({
    role: "cross-attention",
    form,
    graph: multimodalGraph(config, head, { form, firstOnly: head === "itm" }),
  });
  if (head === "nlvr") return [inForm("folded"), inForm("plain")];
  const keysAndValues = crossKeysAndValuesGraph(config, config.vision.hiddenSize, "text_encoder");
  return [inForm("folded"), { role: "cross-kv", graph: keysAndValues }, inForm("cached")];
}

/** The graph of the decoder's keys and values, and the graph of a decoder step. */
export function decoderGraphs({ config, architecture }: TaskModel) {
  return {
    "cross-kv": crossKeysAndValuesGraph(config, decoderWidth(architecture, config)),
    decode: decodeGraph(config, { encoderMask: architecture.decoderAttendsTo === "question" }),
  };
}

/** The decoder graphs with their roles. */
export function decoderTaskGraphs(model: TaskModel): TaskGraph[] {
  const { "cross-kv": keysAndValues, decode } = decoderGraphs(model);
  return [
    { role: "decoder-kv", graph: keysAndValues },
    { role: "decode", graph: decode },
  ];
}
