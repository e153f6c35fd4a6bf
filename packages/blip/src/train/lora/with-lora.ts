// An objective with a frozen network and low-rank updates of chosen matrices. Only the updates and the modules of
// `modulesToSave` are trained. Names are those of PEFT, so the trained weights are saved without renaming.
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

/** The parts of an objective's adapter. */
export interface LoraParts {
  /** The paths of the modules that get an update. */
  readonly modules: readonly string[];
  /** The names and shapes of the weights A and B of each module, in order. */
  readonly matrices: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** The names of the network's own weights that are also trained. */
  readonly saved: readonly string[];
}

export interface LoraObjective<Batch> {
  readonly objective: ComposedObjective<Batch>;
  readonly parts: LoraParts;
  /** True for every weight outside the adapter. */
  readonly frozen: (weight: { readonly name: string }) => boolean;
}

/** Maps weight names to the matrices of a graph's linear layers. */
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

/** Dropout for the updates' inputs: one mask per matrix product, drawn outside the graph. */
class UpdateMasks {
  readonly inputs: MaskInput[] = [];
  readonly #rate: number;

  constructor(rate: number) {
    this.#rate = rate;
  }

  apply = (b: GraphBuilder, x: Value): Value => {
    if (this.#rate === 0) return x;
    // A matrix may be used several times; each use draws its own mask.
    const name = `keep lora ${this.inputs.length} ${b.scope}`;
    this.inputs.push({ name, shape: x.shape, rate: this.#rate });
    const mask = b.input(name, "uint8", x.shape);
    return b.multiply(x, b.multiply(b.cast(mask, "float32"), b.scalar(1 / (1 - this.#rate))));
  };
}

/** Momentum encoders follow the trained weights and share the frozen ones. */
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
 * Adds low-rank updates of chosen matrices to an objective. Momentum encoders get updates that follow the trained ones.
 * @param keptTies ties of the network that also hold for the base model's own weights, alias to canonical name
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
    modules: [...targets.keys()],
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
