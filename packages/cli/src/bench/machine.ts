// The machine of a measurement.
import { availableParallelism, cpus, totalmem, type } from "node:os";
import type { Int8Products } from "blip-ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** The memory in bytes. */
  readonly memory: number;
  readonly system: string;
}

export function machine(): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: totalmem(),
    system: `${type()} ${process.arch}`,
  };
}

/** Describes in one line how the processor multiplies 8-bit numbers. */
export function describeInt8({ weights, exact }: Int8Products): string {
  if (weights === "signed") return "8 bits: signed weights, as their products are exact on this processor";
  const unsigned =
    "8 bits: unsigned weights (session.x64quantprecision 1), as products of signed ones overflow";
  return exact
    ? `${unsigned} on this processor`
    : `${unsigned} on this processor, and theirs are not exact either: scores will be further from those of fp32`;
}
