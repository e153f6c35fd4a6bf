// Which tasks a checkpoint can do, and what the others would need. Tasks are verbs of the command line, plus `pretrain`.
import type { Architecture, Part } from "./architecture.ts";

export const TASKS = ["match", "caption", "ask", "compare", "embed", "retrieve", "pretrain"] as const;

export type Task = (typeof TASKS)[number];

interface Needs {
  readonly parts: readonly Part[];
  /** What the decoder must have been trained to attend to. */
  readonly decoderMemory?: "image" | "question";
  /** Other parts that do as well. */
  readonly or?: readonly Part[];
}

const MATCHING: readonly Part[] = ["vision", "textEncoder", "visionProj", "textProj", "itmHead"];

const NEEDS: Readonly<Record<Task, Needs>> = {
  match: { parts: MATCHING },
  caption: { parts: ["vision", "textDecoder", "lmHead"], decoderMemory: "image" },
  ask: { parts: ["vision", "textEncoder", "textDecoder", "lmHead"], decoderMemory: "question" },
  compare: { parts: ["vision", "textEncoder", "nlvr"] },
  embed: { parts: ["vision", "textEncoder", "visionProj", "textProj"], or: ["vision", "dual"] },
  retrieve: { parts: MATCHING },
  pretrain: { parts: [...MATCHING, "textDecoder", "lmHead"], decoderMemory: "image" },
};

/** How messages and `blip inspect` name a part. */
export const PART_NAMES: Readonly<Record<Part, string>> = {
  vision: "vision_model",
  textEncoder: "text_encoder",
  textDecoder: "text_decoder",
  lmHead: "text_decoder.cls",
  itmHead: "itm_head",
  visionProj: "vision_proj",
  textProj: "text_proj",
  nlvr: "cls_head",
  dual: "visual_projection",
};

export interface TaskReport {
  readonly tasks: readonly Task[];
  /** For each task that cannot be done: what is missing, by the names of `PART_NAMES`, or "a decoder that attends to ...". */
  readonly missing: ReadonlyMap<Task, readonly string[]>;
}

/** The tasks that the parts of a checkpoint allow. */
export function tasksOf(architecture: Pick<Architecture, "parts" | "decoderMemory">): TaskReport {
  const missing = new Map<Task, readonly string[]>();
  for (const task of TASKS) {
    const lacks = lackedBy(architecture, NEEDS[task]);
    if (lacks.length > 0) missing.set(task, lacks);
  }
  return { tasks: TASKS.filter((task) => !missing.has(task)), missing };
}

function lackedBy(architecture: Pick<Architecture, "parts" | "decoderMemory">, needs: Needs): string[] {
  const { parts, decoderMemory } = architecture;
  if (needs.or?.every((part) => parts.has(part))) return [];
  const lacks = needs.parts.filter((part) => !parts.has(part)).map((part) => PART_NAMES[part]);
  const wrongMemory =
    parts.has("textDecoder") && needs.decoderMemory !== undefined && decoderMemory !== needs.decoderMemory;
  return wrongMemory ? [...lacks, `a decoder that attends to the ${needs.decoderMemory ?? ""}`] : lacks;
}
