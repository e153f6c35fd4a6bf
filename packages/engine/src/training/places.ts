// Arranges parameters, gradients and moments in as few WebAssembly memories as possible. Within a memory, each kind of
// array is one block. All blocks have the same layout, and parameters of one group are adjacent.
import { must } from "@blip-ts/base";
import { sizeOf } from "@blip-ts/graph";
import { parameterTooLarge } from "./errors.ts";

export type ParameterRole =
  /**
   * A trained parameter, with gradients and moments, updated with its group: 16 bytes per number, 20 if gradients are
   * summed.
   */
  | { readonly kind: "trained"; readonly group: number }
  /** A parameter that becomes the moving average of another one: 4 bytes per number. */
  | { readonly kind: "follower"; readonly of: string }
  /**
   * A parameter that is read and never changed: 4 bytes per number. It needs a place only if another parameter follows
   * it.
   */
  | { readonly kind: "still" };

export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  readonly role: ParameterRole;
}

/** The arrays that a parameter may have. */
export const arrays = ["weight", "gradient", "first", "second", "sum"] as const;
export type ParameterArray = (typeof arrays)[number];

/** The place of a parameter, in floats. */
export interface Place {
  readonly parameter: Parameter;
  /** The number of its memory. */
  readonly bank: number;
  readonly length: number;
  /** The start of its weights. */
  readonly start: number;
  /** The start of a trained parameter within each block. */
  readonly within?: number;
}

/** Adjacent trained parameters of one group: from start to end within each block. */
export interface Run {
  readonly group: number;
  readonly start: number;
  readonly end: number;
}

export interface Bank {
  /** The size of each block in floats: its trained parameters, padded with zeros. */
  readonly block: number;
  readonly blocks: number;
  readonly runs: readonly Run[];
  readonly bytes: number;
}

export interface Places {
  readonly banks: readonly Bank[];
  readonly of: ReadonlyMap<string, Place>;
}

export interface PlaceOptions {
  /** Whether gradients are summed, which needs a fifth block. */
  readonly sums?: boolean | undefined;
  /** The largest memory. Default: 4 GiB, the limit of WebAssembly's addresses. */
  readonly bytesPerMemory?: number | undefined;
}

const largestMemory = 2 ** 32;
/**
 * Adds 1,088 bytes to a multiple of 4 KiB between blocks. Without the offset, the arrays' addresses share their lower
 * 12 bits, and the update's writes to one array delay its reads of the others: 64 M numbers took six times as long.
 */
const [period, shift] = [1024, 272];
const staggered = (length: number) => length + ((period + shift - (length % period)) % period);
/** Rounds up to a multiple of 4, because kernels work on vectors of four floats. */
const padded = (length: number) => Math.ceil(length / 4) * 4;
const floatsOf = ({ dims }: Parameter) => padded(sizeOf(dims));

/** Parameters that must share a memory: one parameter and its followers. */
interface Family {
  readonly head: Parameter;
  readonly followers: readonly Parameter[];
  readonly bytes: number;
}

function familiesOf(parameters: readonly Parameter[], blocks: number): Family[] {
  const followers = new Map<string, Parameter[]>();
  for (const one of parameters)
    if (one.role.kind === "follower")
      followers.set(one.role.of, [...(followers.get(one.role.of) ?? []), one]);
  const group = ({ role }: Parameter) => (role.kind === "trained" ? role.group : Infinity);
  return parameters
    .filter(({ role }) => role.kind !== "follower")
    .sort((a, b) => (group(a) === group(b) ? 0 : group(a) - group(b)))
    .map((head) => {
      const own = followers.get(head.name) ?? [];
      const arraysOfHead = head.role.kind === "trained" ? blocks : 1;
      return { head, followers: own, bytes: 4 * floatsOf(head) * (arraysOfHead + own.length) };
    });
}

function fill(bank: number, families: readonly Family[], blocks: number, of: Map<string, Place>): Bank {
  const runs: { group: number; start: number; end: number }[] = [];
  let block = 0;
  for (const { head } of families) {
    if (head.role.kind !== "trained") continue;
    const { group } = head.role;
    const length = sizeOf(head.dims);
    of.set(head.name, { parameter: head, bank, length, start: block, within: block });
    const last = runs.at(-1);
    const end = block + padded(length);
    if (last?.group === group) last.end = end;
    else runs.push({ group, start: block, end });
    block = end;
  }
  block = staggered(block);
  let start = block * blocks;
  for (const { head, followers } of families)
    for (const parameter of head.role.kind === "trained" ? followers : [head, ...followers]) {
      of.set(parameter.name, { parameter, bank, length: sizeOf(parameter.dims), start });
      start += floatsOf(parameter);
    }
  return { block, blocks, runs, bytes: start * 4 };
}

/** @throws {UsageError} `train/parameter-size` if one parameter does not fit into a memory */
export function placeParameters(
  parameters: readonly Parameter[],
  { sums = false, bytesPerMemory = largestMemory }: PlaceOptions = {},
): Places {
  const blocks = sums ? 5 : 4;
  const capacity = Math.min(bytesPerMemory, largestMemory) - blocks * period * 4;
  const shares: Family[][] = [[]];
  let used = 0;
  for (const family of familiesOf(parameters, blocks)) {
    if (family.bytes > capacity) throw parameterTooLarge(family.head.name, family.bytes, capacity);
    if (used + family.bytes > capacity) {
      shares.push([]);
      used = 0;
    }
    must(shares, shares.length - 1).push(family);
    used += family.bytes;
  }
  const of = new Map<string, Place>();
  return { banks: shares.map((families, bank) => fill(bank, families, blocks, of)), of };
}
