// An objective whose network stays as it is, with low-rank updates beside chosen matrices: only these are trained, and the
// modules that are named besides. Names are PEFT's, so that what is trained is what is saved.
import { must } from "@blip-ts/base";
import {
  addLowRank,
  type Graph,
  type GraphBuilder,
  type LowRank,
  type Value,
  type Weight,
} from "@blip-ts/graph";
import { endsWithName, isWithin, matricesOf, moduleOf, scaleOf } from "../../adapter/index.ts";
import type { TrainingGraph } from "../objective.ts";
import { drawMasks, type ComposedObjective, type MaskInput } from "../objectives/index.ts";
import { tiedModule, unknownModule, unknownTarget } from "./errors.ts";
import type { LoraSettings } from "./settings.ts";

/** What the adapter of an objective consists of. */
export interface LoraParts {
  /** Weights A and B, by name, with their shapes: a weight beside the other. */
  readonly matrices: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Weights of the network that are trained too. */
  readonly saved: readonly string[];
}

export interface LoraObjective<Batch> {
  readonly objective: ComposedObjective<Batch>;
  readonly parts: LoraParts;
  /** Everything but the adapter. */
  readonly frozen: (weight: { readonly name: string }) => boolean;
}

/** The matrices of a graph's products, by the names of their weights. */
function matricesIn({ weights, nodes }: Graph): Map<string, Weight> {
  const used = new Set(nodes.flatMap(({ kind, inputs }) => (kind === "linear" ? [must(inputs, 1).id] : [])));
  return new Map(
    weights.flatMap((weight) =>
      used.has(weight.value.id) && moduleOf(weight.name) !== undefined ? [[weight.name, weight]] : [],
    ),
  );
}

const lastPart = (path: string) => path.slice(path.lastIndexOf(".") + 1);

/** The modules that get an update. @throws {UsageError} `train/lora-target` */
function targeted(
  matrices: ReadonlyMap<string, Weight>,
  { targets, modulesToSave }: LoraSettings,
): Map<string, Weight> {
  const modules = new Map(
    [...matrices].flatMap(([name, weight]): [string, Weight][] => {
      const module = moduleOf(name);
      return module === undefined || isWithin(name, modulesToSave) ? [] : [[module, weight]];
    }),
  );
  for (const target of targets)
    if (![...modules.keys()].some((module) => endsWithName(module, target)))
      throw unknownTarget(target, [...new Set([...modules.keys()].map(lastPart))].sort());
  return new Map([...modules].filter(([module]) => targets.some((target) => endsWithName(module, target))));
}

/** The weights that are trained whole. @throws {UsageError} `train/lora-module` */
function savedWeights(
  names: readonly string[],
  modulesToSave: readonly string[],
  ties: Readonly<Record<string, string>>,
): string[] {
  const tied = new Set([...Object.keys(ties), ...Object.values(ties)]);
  for (const module of modulesToSave) {
    const own = names.filter((name) => isWithin(name, [module]));
    if (own.length === 0)
      throw unknownModule(module, [...new Set(names.map((name) => must(name.split("."), 0)))].sort());
    const shared = own.find((name) => tied.has(name));
    if (shared !== undefined) throw tiedModule(module, shared);
  }
  return names.filter((name) => isWithin(name, modulesToSave));
}

/** Dropout of what goes into updates: a mask per product, drawn outside. */
class UpdateMasks {
  readonly inputs: MaskInput[] = [];
  readonly #rate: number;

  constructor(rate: number) {
    this.#rate = rate;
  }

  apply = (b: GraphBuilder, x: Value): Value => {
    if (this.#rate === 0) return x;
    // A matrix may be read several times; each draws its own.
    const name = `keep lora ${this.inputs.length} ${b.scope}`;
    this.inputs.push({ name, shape: x.shape, rate: this.#rate });
    const mask = b.input(name, "uint8", x.shape);
    return b.multiply(x, b.multiply(b.cast(mask, "float32"), b.scalar(1 / (1 - this.#rate))));
  };
}

/** Momentum encoders follow what is trained; what is frozen they share. */
function followersOf(
  momentum: Readonly<Record<string, string>>,
  saved: ReadonlySet<string>,
  targets: ReadonlyMap<string, Weight>,
): Required<Pick<TrainingGraph, "ties" | "momentum">> {
  const ties: Record<string, string> = {};
  const followers: Record<string, string> = {};
  for (const [name, of] of Object.entries(momentum)) {
    if (saved.has(of)) followers[name] = of;
    else ties[name] = of;
    const [own, online] = [moduleOf(name), moduleOf(of)];
    if (own === undefined || online === undefined || !targets.has(online)) continue;
    const [follower, followed] = [matricesOf(own), matricesOf(online)];
    followers[follower.down] = followed.down;
    followers[follower.up] = followed.up;
  }
  return { ties, momentum: followers };
}

/**
 * The objective with updates of chosen matrices. Momentum encoders have updates that follow.
 * @param keptTies ties of the network that hold of the base model's own weights too, alias to canonical name
 * @throws {UsageError} `train/lora-target`, `train/lora-module`
 */
export function withLora<Batch>(
  objective: ComposedObjective<Batch>,
  settings: LoraSettings,
  keptTies: Readonly<Record<string, string>> = objective.graph.ties ?? {},
): LoraObjective<Batch> {
  const { graph, ties = {}, momentum = {} } = objective.graph;
  const isOnline = ({ name }: Weight) => !Object.hasOwn(momentum, name);
  const online = graph.weights.filter(isOnline);
  const matrices = new Map([...matricesIn(graph)].filter(([, weight]) => isOnline(weight)));
  const saved = savedWeights(
    online.map(({ name }) => name),
    settings.modulesToSave,
    ties,
  );
  const targets = targeted(matrices, settings);
  const scale = scaleOf(settings.alpha, settings.rank, settings.rslora);
  const masks = new UpdateMasks(settings.dropout);
  const adapted = (whole: Graph, regularize?: LowRank["regularize"]): Graph =>
    addLowRank(({ name }) => {
      const followed = moduleOf(momentum[name] ?? name);
      const own = moduleOf(name);
      if (own === undefined || followed === undefined || !targets.has(followed)) return undefined;
      return { rank: settings.rank, scale, ...matricesOf(own), regularize };
    })(whole);
  const followers = followersOf(momentum, new Set(saved), targets);
  const parts: LoraParts = {
    saved,
    matrices: [...targets].flatMap(([module, { shape }]) => {
      const { down, up } = matricesOf(module);
      return [
        { name: down, shape: [settings.rank, must(shape, 1)] },
        { name: up, shape: [must(shape, 0), settings.rank] },
      ];
    }),
  };
  const trained = new Set([...parts.matrices.map(({ name }) => name), ...saved]);
  const training = adapted(graph, masks.apply);
  return {
    parts,
    frozen: ({ name }) => !trained.has(name),
    objective: {
      ...objective,
      graph: {
        ...objective.graph,
        ...{ graph: training, ties: { ...keptTies, ...followers.ties }, momentum: followers.momentum },
      },
      ...(objective.graphs && {
        graphs: Object.fromEntries(
          Object.entries(objective.graphs).map(([name, other]) => [name, adapted(other)]),
        ),
      }),
      async inputs(batch, context) {
        const feeds = await objective.inputs(batch, context);
        return { ...feeds, ...drawMasks(training, masks.inputs, feeds, context.seed) };
      },
    },
  };
}
