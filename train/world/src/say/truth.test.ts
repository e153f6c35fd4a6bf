// Tests captions, false captions, questions, statements and web texts against an independent reading of the graph.
import { describe, expect, test } from "vitest";
import { Random } from "../random.ts";
import { extentOf, thingsIn, type Scene } from "../scene/graph.ts";
import { sceneSource } from "../scene/sample.ts";
import { conceptNamed } from "../words/concepts.ts";
import { editKinds, falseCaption, severalFalse, type Pool } from "./edit.ts";
import { captionsOf, plainCaption, planOf, wordsOf, type Plan } from "./plan.ts";
import { Balance, questionsOf, type Question } from "./questions.ts";
import { statementOf } from "./statements.ts";
import { webShares, webText } from "./web.ts";

const source = sceneSource("full", "train", 11);
const scenes = Array.from({ length: 800 }, (_, number) => source.scene(number));
const pool: Pool = { concepts: source.world.concepts, places: Object.values(source.world.places).flat() };

const directions = {
  left: (dx: number) => dx < 0,
  right: (dx: number) => dx > 0,
  above: (_: number, dy: number) => dy < 0,
  below: (_: number, dy: number) => dy > 0,
} as const;

/** Whether a group of the scene fits a mention. */
const fitting = ({ groups }: Scene, mention: Plan["mentions"][number]) =>
  groups.filter(
    ({ concept, count, colour, size }) =>
      (mention.byCategory === true
        ? concept.category === conceptNamed(mention.concept).category
        : concept.name === mention.concept) &&
      count === mention.count &&
      (mention.colour === undefined || mention.colour === colour) &&
      (mention.size === undefined || mention.size === size),
  );

function isTrue(plan: Plan, scene: Scene): boolean {
  if (plan.place !== undefined && plan.place.place.name !== scene.place.name) return false;
  const found = plan.mentions.map((mention) => fitting(scene, mention));
  if (found.some((groups) => groups.length === 0)) return false;
  const { relation } = plan;
  if (relation === undefined || relation.kind === "beside") return true;
  const holds = directions[relation.kind];
  const [first = [], second = []] = found;
  return first.some((a) =>
    second.some((b) => a !== b && holds(extentOf(a).x - extentOf(b).x, extentOf(a).y - extentOf(b).y)),
  );
}

describe("captions", () => {
  test("are true", () => {
    for (const scene of scenes) {
      const random = new Random(scene.key);
      for (let turn = 0; turn < 4; turn++) {
        const plan = planOf(random, scene);
        expect(isTrue(plan, scene), `${wordsOf(plan)} | ${scene.place.name}`).toBe(true);
      }
    }
  });

  test("in order mention things mostly from the left or from above, and are true", () => {
    const directed = { first: 0, last: 0 };
    for (const scene of scenes) {
      const plan = planOf(new Random(scene.key), scene, { inOrder: true });
      expect(isTrue(plan, scene), `${wordsOf(plan)} | ${scene.place.name}`).toBe(true);
      const kind = plan.relation?.kind;
      if (kind === "left" || kind === "above") directed.first++;
      if (kind === "right" || kind === "below") directed.last++;
    }
    expect(directed.first + directed.last).toBeGreaterThan(100);
    // Four in five are in order, and half of the others happen to be.
    expect(directed.first / (directed.first + directed.last)).toBeGreaterThan(0.83);
    expect(directed.last).toBeGreaterThan(0);
  });

  test("of one scene differ, and have no double spaces or missing words", () => {
    for (const scene of scenes.slice(0, 300)) {
      const captions = captionsOf(new Random(scene.key), scene, 5);
      expect(new Set(captions).size).toBe(captions.length);
      expect(captions.length).toBeGreaterThanOrEqual(3);
      for (const caption of captions) expect(caption).toMatch(/^[a-z0-9]+(,? [a-z0-9]+)*$/);
    }
  });

  test("the articles are right", () => {
    const all = scenes.flatMap((scene) => captionsOf(new Random(scene.key), scene, 5)).join("\n");
    expect(all).not.toMatch(/\ba [aeiou]/);
    expect(all).not.toMatch(/\ban [^aeiou]/);
    expect(all).not.toMatch(/\ba (cherries|grapes|scissors)/);
    expect(all).toMatch(/a pair of scissors|pairs of scissors/);
  });

  test("the plain one names all things, their relation from the left or from above, and the place", () => {
    const { groups, place } = scenes.find(({ kind }) => kind === "pair") ?? expect.fail("a pair");
    const said = plainCaption(scenes.find(({ kind }) => kind === "pair") ?? expect.fail("a pair"));
    for (const { concept, count } of groups)
      expect(said).toContain(count === 1 ? concept.singular : concept.plural);
    expect(said.length).toBeGreaterThan(place.name.length);
    expect(said).not.toMatch(/right|below/);
  });
});

describe("false captions", () => {
  test("are false, of all kinds", () => {
    const kinds = new Map<string, number>();
    for (const scene of scenes) {
      const random = new Random(scene.key);
      const edited = falseCaption(random, planOf(random, scene), scene, pool);
      if (edited === undefined) continue;
      kinds.set(edited.kind, (kinds.get(edited.kind) ?? 0) + 1);
      expect(isTrue(edited.plan, scene), `${edited.words} | ${edited.kind} | ${scene.key}`).toBe(false);
    }
    expect([...kinds.keys()].sort()).toEqual([...editKinds].sort());
    expect([...kinds.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(780);
  });

  test("several of one scene: the kinds that it allows take turns, and every caption is false", () => {
    const kinds = new Map<string, number>();
    for (const scene of scenes) {
      const random = new Random(scene.key);
      const captions = severalFalse(random, () => planOf(random, scene), scene, pool, 6);
      expect(captions).toHaveLength(6);
      for (const { kind, plan, words } of captions) {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        expect(isTrue(plan, scene), `${words} | ${kind} | ${scene.key}`).toBe(false);
      }
    }
    // With `falseCaption` alone, 5 % change a relation.
    expect(kinds.get("relation")).toBeGreaterThan(0.1 * 6 * scenes.length);
    expect(kinds.size).toBe(editKinds.length);
  });
});

const asked = scenes.flatMap((scene) =>
  questionsOf(new Random(scene.key), scene, source.world.concepts, source.catalogue).map((question) => ({
    scene,
    question,
  })),
);

describe("questions", () => {
  const all = (kind: string) => asked.filter(({ question }) => question.kind === kind);

  test("counts match the scene", () => {
    for (const { scene, question } of all("how-many")) {
      const [, plural] = /^how many (.*) are there\?$/.exec(question.question) ?? [];
      const count = scene.groups.reduce(
        (sum, { concept, count: own }) => sum + (concept.plural === plural ? own : 0),
        0,
      );
      expect(question.answer).toBe(String(count));
    }
    for (const { scene, question } of all("things")) expect(question.answer).toBe(String(thingsIn(scene)));
  });

  test("presence and absence match the scene", () => {
    for (const { scene, question } of all("is-there")) {
      const named = scene.groups.some(
        ({ concept }) =>
          question.question.includes(` ${concept.singular} in`) ||
          question.question.includes(` ${concept.name} in`),
      );
      expect(named, question.question).toBe(question.answer === "yes");
    }
  });

  test("no photograph is asked about things that it may contain", () => {
    for (const { scene, question } of [...all("how-many"), ...all("is-there")]) {
      if (scene.place.kind !== "photo") continue;
      for (const { plural, singular } of scene.place.doubtful.map(conceptNamed)) {
        expect(question.question).not.toBe(`how many ${plural} are there?`);
        expect(question.question).not.toMatch(new RegExp(`^is there an? ${singular} in`));
      }
    }
  });

  test("chosen in balance, all kinds and answers occur evenly", () => {
    const balance = new Balance();
    const taken: Question[] = [];
    for (const scene of scenes) {
      let left = asked.filter((one) => one.scene === scene).map(({ question }) => question);
      for (let turn = 0; turn < 3; turn++) {
        const question = balance.take(left);
        if (question === undefined) break;
        taken.push(question);
        left = left.filter(({ kind }) => kind !== question.kind);
      }
    }
    const share = (kind: string, answer: string) => {
      const own = taken.filter((one) => one.kind === kind);
      return own.filter((one) => one.answer === answer).length / own.length;
    };
    expect(new Set(taken.map(({ kind }) => kind)).size).toBe(12);
    for (const kind of ["is-there", "is-beside", "more"])
      expect(Math.abs(share(kind, "yes") - 0.5), kind).toBeLessThan(0.08);
    for (const number of ["0", "1", "2", "3", "4", "5"])
      expect(share("how-many", number), number).toBeGreaterThan(0.08);
  });
});

describe("statements", () => {
  const statements = Array.from({ length: 320 }, (_, number) => statementOf(source, number));

  test("half of each kind are true", () => {
    const kinds = new Set(statements.map(({ kind }) => kind));
    expect(kinds.size).toBe(8);
    for (const kind of kinds) {
      const own = statements.filter((one) => one.kind === kind);
      expect(own.filter(({ label }) => label).length).toBe(own.length / 2);
    }
  });

  test("about both, only and totals agree with an independent count", () => {
    const has = (scene: Scene, words: string) =>
      scene.groups.some(({ concept }) => words.endsWith(` ${concept.singular}`));
    for (const {
      kind,
      sentence,
      label,
      scenes: [left, right],
    } of statements) {
      if (kind === "only") {
        const isLeft = sentence.startsWith("only the left");
        expect(
          isLeft
            ? has(left, sentence) && !has(right, sentence)
            : has(right, sentence) && !has(left, sentence),
          sentence,
        ).toBe(label);
      }
      if (kind === "total") {
        const words = ["two", "three", "four", "five", "six"];
        const told = 2 + words.findIndex((word) => sentence.startsWith(`there are ${word} `));
        const sum = [left, right]
          .flatMap(({ groups }) => groups)
          .reduce(
            (all, { concept, count }) => all + (sentence.includes(` ${concept.plural} in total`) ? count : 0),
            0,
          );
        expect(sum === told, sentence).toBe(label);
      }
    }
  });
});

describe("web texts", () => {
  const texts = scenes.map((scene, at) => ({
    scene,
    ...webText(new Random(`${scene.key}/web`), scene, pool, source.catalogue, (accept) =>
      source.named(`${at}/another`, accept),
    ),
  }));

  test("are right and wrong in the given shares", () => {
    for (const [kind, share] of Object.entries(webShares)) {
      const found = texts.filter((one) => one.kind === kind).length / texts.length;
      expect(Math.abs(found - share / 100), kind).toBeLessThan(0.05);
    }
  });

  test("of another scene name none of the things", () => {
    for (const { scene, kind, text } of texts)
      if (kind === "other")
        for (const { concept } of scene.groups)
          expect(text.split(/[ ,]+/).join(" ")).not.toMatch(
            new RegExp(`\\b${concept.singular}\\b(?! (ball|car|cream|truck|dog|tree))`),
          );
  });
});
