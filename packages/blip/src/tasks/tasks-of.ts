// Finds the tasks that a checkpoint can do, and the missing parts of all other tasks.
import { partNames, type Architecture } from "../weights/architecture.ts";
import { tasks } from "./index.ts";
import { taskNames, type Needs, type Task } from "./task.ts";

export interface TaskReport {
  readonly tasks: readonly Task[];
  /** The missing parts per task: names from `partNames`, or "a decoder that attends to ...". */
  readonly missing: ReadonlyMap<Task, readonly string[]>;
}

/** The tasks that the parts of a checkpoint allow. */
export function tasksOf(architecture: Pick<Architecture, "parts" | "decoderAttendsTo">): TaskReport {
  const missing = new Map<Task, readonly string[]>();
  for (const task of taskNames) {
    const lacks = lackedBy(architecture, tasks[task].needs);
    if (lacks.length > 0) missing.set(task, lacks);
  }
  return { tasks: taskNames.filter((task) => !missing.has(task)), missing };
}

function lackedBy(architecture: Pick<Architecture, "parts" | "decoderAttendsTo">, needs: Needs): string[] {
  const { parts, decoderAttendsTo } = architecture;
  if (needs.or?.every((part) => parts.has(part))) return [];
  const lacks = needs.parts.filter((part) => !parts.has(part)).map((part) => partNames[part]);
  const wrongMemory =
    parts.has("textDecoder") &&
    needs.decoderAttendsTo !== undefined &&
    decoderAttendsTo !== needs.decoderAttendsTo;
  return wrongMemory ? [...lacks, `a decoder that attends to the ${needs.decoderAttendsTo ?? ""}`] : lacks;
}
