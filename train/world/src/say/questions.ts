// All possible questions about a scene, with their answers. The writer selects a balanced subset.
import { missed, must } from "@blip-ts/base";
import type { Catalogue } from "../art/catalogue.ts";
import type { Random } from "../random.ts";
import {
  countOf,
  extentOf,
  relationOf,
  relations,
  repeats,
  thingsIn,
  type Group,
  type Relation,
  type Scene,
} from "../scene/graph.ts";
import { ownColour } from "../scene/holdout.ts";
import { akin, type Concept } from "../words/concepts.ts";
import { absent } from "./edit.ts";
import { article, theOf } from "./phrases.ts";

export interface Question {
  readonly kind: string;
  readonly question: string;
  readonly answer: string;
  /** The topic, e.g. "is-there dog". The answers to questions of one topic are balanced. */
  readonly topic: string;
}

const asked = (kind: string, question: string, answer: string, topic = ""): Question => ({
  ...{ kind, question, answer, topic: `${kind} ${topic}` },
});

type Asker = (
  random: Random,
  scene: Scene,
  absentees: readonly Concept[],
  catalogue: Catalogue,
) => readonly Question[];

const isKnown = ({ place }: Scene, name: string): boolean =>
  place.kind === "plain" || !place.doubtful.some((one) => akin(one, name));

/** The groups whose concept occurs neither in another group nor, possibly, in the photograph. */
const clearGroups = (scene: Scene): readonly Group[] =>
  scene.groups.filter(
    ({ concept }) =>
      isKnown(scene, concept.name) &&
      scene.groups.filter((other) => akin(other.concept.name, concept.name)).length === 1,
  );

const exists = ({ name, many, singular }: Concept): string =>
  many ? `are there ${name} in the picture?` : `is there ${article(singular)} in the picture?`;

const what: Asker = (random, { groups }) => {
  const [group] = groups;
  if (groups.length !== 1 || group === undefined) return [];
  const question = random.pick(["what is in the picture?", "what is this?", "what does the picture show?"]);
  return [asked("what", question, group.concept.name)];
};

const category: Asker = (_, { groups }) => {
  const [group] = groups;
  const of = group?.concept.category;
  if (groups.length !== 1 || group === undefined || of === undefined) return [];
  return [asked("category", `what ${of} is this?`, group.concept.name, of)];
};

/** The group in a relation to another group, if there is exactly one. */
function inRelation(scene: Scene, group: Group, relation: Relation): Group | undefined {
  const others = scene.groups.filter((other) => other !== group && relationOf(other, group) === relation);
  return others.length === 1 ? others[0] : undefined;
}

const wheres: Readonly<Record<Relation, string>> = {
  left: "to the left of",
  right: "to the right of",
  above: "above",
  below: "below",
};

const relation: Asker = (_, scene) => {
  if (repeats(scene) || scene.groups.length > 3) return [];
  return clearGroups(scene).flatMap((group) =>
    relations.flatMap((kind) => {
      const other = inRelation(scene, group, kind);
      const verb = other?.concept.many === true || (other?.count ?? 1) > 1 ? "are" : "is";
      return other === undefined || verb === "are"
        ? []
        : [
            asked(
              "relation",
              `what is ${wheres[kind]} the ${theOf(group.concept)}?`,
              other.concept.name,
              kind,
            ),
          ];
    }),
  );
};

const howMany: Asker = (random, scene, absentees) => {
  const counted = clearGroups(scene).flatMap(({ concept, count }) =>
    concept.many ? [] : [asked("how-many", `how many ${concept.plural} are there?`, String(count))],
  );
  const none = random.pick(absentees.filter(({ many }) => !many));
  return [...counted, asked("how-many", `how many ${none.plural} are there?`, "0")];
};

const isThere: Asker = (random, scene, absentees) => {
  const groups = clearGroups(scene);
  const yes = groups.map(({ concept }) => asked("is-there", exists(concept), "yes", concept.name));
  const kin = absentees.filter(({ category: of }) => groups.some(({ concept }) => concept.category === of));
  const other = random.pick(kin.length > 0 && random.chance(0.5) ? kin : absentees);
  return [...yes, asked("is-there", exists(other), "no", other.name)];
};

const colour: Asker = (random, scene, _, catalogue) => {
  const { place } = scene;
  const ground =
    place.kind === "plain"
      ? [
          asked(
            "colour",
            random.pick(["what color is the background?", "what is the color of the background?"]),
            place.colour,
            "background",
          ),
        ]
      : [];
  const things = clearGroups(scene).flatMap((group) => {
    const told = group.colour ?? ownColour(group, catalogue);
    if (told === undefined) return [];
    const { concept, count } = group;
    const question =
      count > 1 ? `what color are the ${concept.plural}?` : `what color is the ${theOf(concept)}?`;
    return [asked("colour", question, told, concept.name)];
  });
  return [...ground, ...things];
};

const where: Asker = (random, { place }) =>
  place.kind === "plain"
    ? []
    : [asked("where", random.pick(["where is this?", "what is the place?"]), place.name)];

const larger: Asker = (random, scene) => {
  const [a, b] = scene.groups;
  if (scene.groups.length !== 2 || !a || !b || repeats(scene) || a.count > 1 || b.count > 1) return [];
  const [first, second] = [must(a.things, 0).side, must(b.things, 0).side];
  const ratio = first / second;
  if (ratio < 1.55 && ratio > 1 / 1.55) return [];
  const names = random.shuffled([theOf(a.concept), theOf(b.concept)]);
  const [word, big] = random.chance(0.5) ? ["larger", first > second] : ["smaller", first < second];
  const answer = (big ? a : b).concept.name;
  return [asked("larger", `which is ${word}, the ${names.join(" or the ")}?`, answer)];
};

const isBeside: Asker = (random, scene) => {
  const groups = clearGroups(scene);
  return groups.flatMap((group) =>
    groups.flatMap((other) => {
      const told = group === other ? undefined : relationOf(group, other);
      if (told === undefined || group.count > 1 || group.concept.many) return [];
      const across = told === "left" || told === "right";
      const kind = random.pick<Relation>(across ? ["left", "right"] : ["above", "below"]);
      const question = `is the ${theOf(group.concept)} ${wheres[kind]} the ${theOf(other.concept)}?`;
      return [asked("is-beside", question, kind === told ? "yes" : "no", kind)];
    }),
  );
};

const things: Asker = (random, scene) => {
  const count = thingsIn(scene);
  if (count > 6 || scene.groups.some(({ concept }) => concept.many) || scene.place.kind === "photo")
    return [];
  return [
    asked(
      "things",
      random.pick(["how many things are there?", "how many objects are in the picture?"]),
      String(count),
    ),
  ];
};

const more: Asker = (_, scene) => {
  const groups = clearGroups(scene).filter(({ concept }) => !concept.many);
  return groups.flatMap((group) =>
    groups.flatMap((other) =>
      group === other || group.count === other.count
        ? []
        : [
            asked(
              "more",
              `are there more ${group.concept.plural} than ${other.concept.plural}?`,
              countOf(scene, group.concept.name) > countOf(scene, other.concept.name) ? "yes" : "no",
            ),
          ],
    ),
  );
};

/** Asks for the side of the image that has the only thing. */
const side: Asker = (_, scene) => {
  const [group] = scene.groups;
  if (scene.groups.length !== 1 || !group || group.count > 1 || group.concept.many) return [];
  const { x, y } = extentOf(group);
  const [across, down] = [x - 0.5, y - 0.5];
  const question = `on which side is the ${theOf(group.concept)}?`;
  if (Math.abs(across) > 0.14 && Math.abs(across) > 1.4 * Math.abs(down))
    return [asked("side", question, across < 0 ? "left" : "right")];
  if (Math.abs(down) > 0.14 && Math.abs(down) > 1.4 * Math.abs(across))
    return [asked("side", question, down < 0 ? "top" : "bottom")];
  return [];
};

const askers = [
  what,
  relation,
  howMany,
  isThere,
  colour,
  where,
  larger,
  isBeside,
  things,
  category,
  more,
  side,
];

/** All questions about a scene. Random choices are drawn once per scene. */
export function questionsOf(
  random: Random,
  scene: Scene,
  pool: readonly Concept[],
  catalogue: Catalogue,
): readonly Question[] {
  const absentees = absent(scene, pool);
  return askers.flatMap((ask) => ask(random, scene, absentees, catalogue));
}

/** The approximate number of answers of each kind. Each answer should occur as often as the others of its kind. */
const answersOf: Readonly<Record<string, number>> = {
  ...{ what: 60, relation: 60, category: 60, larger: 60, where: 22, colour: 11 },
  ...{ "how-many": 6, things: 6, side: 4, "is-there": 2, "is-beside": 2, more: 2 },
};

/**
 * Counts the questions and answers used so far. A question is due if its answer has occurred less often than its kind's
 * share.
 */
export class Balance {
  readonly #counts = new Map<string, number>();

  #of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  #rank({ kind, answer, topic }: Question): readonly number[] {
    const many = answersOf[kind] ?? missed("kind of question");
    return [
      // An answer that is seldom possible is used whenever it is.
      many * this.#of(`${kind} = ${answer}`),
      this.#of(kind),
      this.#of(`${topic} = ${answer}`),
    ];
  }

  /** The question that is most due. It is then counted as used. */
  take(questions: readonly Question[]): Question | undefined {
    const ranked = questions.map((question) => ({ question, rank: this.#rank(question) }));
    const best = ranked.sort((a, b) => compared(a.rank, b.rank))[0]?.question;
    if (best === undefined) return undefined;
    for (const key of [best.kind, `${best.topic} = ${best.answer}`, `${best.kind} = ${best.answer}`])
      this.#counts.set(key, this.#of(key) + 1);
    return best;
  }
}

/** Compares two rankings by the first rank that differs. */
function compared(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - must(b, index);
    if (difference !== 0) return difference;
  }
  return 0;
}
