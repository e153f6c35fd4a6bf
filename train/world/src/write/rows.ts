// The rows of a task's data: scenes with their texts, in a form that the readers of packages/datasets support.
import { Random } from "../random.ts";
import { conceptsIn, signature, type Scene } from "../scene/graph.ts";
import type { SceneSource } from "../scene/sample.ts";
import { captionsOf, plainCaption, plainPlan, planOf, wordsOf } from "../say/plan.ts";
import { falseCaption, severalFalse, type Pool } from "../say/edit.ts";
import { Balance, questionsOf } from "../say/questions.ts";
import { statementOf } from "../say/statements.ts";
import { webText } from "../say/web.ts";

export const taskNames = ["caption", "retrieval", "match", "vqa", "nlvr", "web", "pretrain"] as const;

/**
 * The tasks. `match`: for training, the same rows as `retrieval`; otherwise each true caption with one that is false by
 * one edit. `web`: a caption with a label of whether it fits.
 */
export type TaskName = (typeof taskNames)[number];

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export interface Row {
  /** The scenes of one image or two. */
  readonly scenes: readonly Scene[];
  /** The row's content, without its images. */
  readonly record: Readonly<Record<string, Json>>;
}

export interface RowOptions {
  readonly task: TaskName;
  readonly count: number;
  /** The number of the first scene. */
  readonly first: number;
  /** The number of captions or questions per scene. */
  readonly each: number;
  /** Uses the one plain sentence of the scene as its caption. */
  readonly plain: boolean;
  /**
   * The number of captions per scene that are false by one edit (`false_captions`); with 0, the rows lack the field.
   */
  readonly falseCaptions: number;
  /** Whether most captions mention things from left to right or from top to bottom. Default: false. */
  readonly inOrder?: boolean;
}

export const poolOf = ({ world: { concepts, places, placeShares } }: SceneSource): Pool => ({
  concepts,
  places: [
    ...(placeShares.plain > 0 ? places.plain : []),
    ...(placeShares.painted > 0 ? places.painted : []),
    ...(placeShares.photo > 0 ? places.photo : []),
  ],
});

/** Facts about the scene beside its texts, for reports by kind and for inspection. */
const facts = (scene: Scene): Readonly<Record<string, Json>> => ({
  scene: signature(scene),
  kind: scene.kind,
  style: scene.style,
  things: conceptsIn(scene),
});

/** The scenes by number. In tests each signature occurs once, as a gallery requires. */
function* scenesOf(source: SceneSource, { count, first }: RowOptions): Generator<readonly [number, Scene]> {
  const distinct = source.split.part === "test";
  const seen = new Set<string>();
  for (let number = first, given = 0; given < count; number++) {
    const scene = source.scene(number);
    const told = signature(scene);
    if (distinct && seen.has(told)) continue;
    seen.add(told);
    given++;
    yield [number, scene];
  }
}

export const textsOf = (scene: Scene): Random => new Random(`${scene.key}/texts`);

/** The row's false captions. They do not affect its true captions. */
function falseCaptionsOf(
  scene: Scene,
  { falseCaptions, plain, inOrder = false }: RowOptions,
  pool: Pool,
): Readonly<Record<string, Json>> {
  if (falseCaptions === 0) return {};
  const random = new Random(`${scene.key}/false`);
  const planned = () => (plain ? plainPlan(scene) : planOf(random, scene, { inOrder }));
  const texts = severalFalse(random, planned, scene, pool, falseCaptions).map(({ words }) => words);
  return texts.length === 0 ? {} : { false_captions: texts };
}

function* captionRows(source: SceneSource, options: RowOptions): Generator<Row> {
  // In a gallery, captions must identify their image.
  const partial = options.task !== "retrieval" || source.split.part === "train";
  const pool = poolOf(source);
  const { inOrder = false } = options;
  for (const [number, scene] of scenesOf(source, options)) {
    const captions = options.plain
      ? [plainCaption(scene)]
      : captionsOf(textsOf(scene), scene, options.each, { partial, inOrder });
    const wrong = falseCaptionsOf(scene, options, pool);
    yield { scenes: [scene], record: { image_id: number, caption: captions, ...wrong, ...facts(scene) } };
  }
}

function* editRows(source: SceneSource, options: RowOptions): Generator<Row> {
  const pool = poolOf(source);
  for (const [number, scene] of scenesOf(source, options)) {
    const random = textsOf(scene);
    for (let turn = 0, made = 0; turn < 20 && made < options.each; turn++) {
      const plan = options.plain ? plainPlan(scene) : planOf(random, scene);
      const edited = falseCaption(random, plan, scene, pool);
      if (edited === undefined) continue;
      made++;
      yield {
        scenes: [scene],
        record: {
          ...{ id: `${number}-${made}`, true_caption: wordsOf(plan), false_caption: edited.words },
          ...{ relation_name: edited.kind, scene: signature(scene), style: scene.style },
        },
      };
    }
  }
}

/** In tests ten people give the answer, as in VQA v2: VQA's accuracy is full only if three others agree. */
const people = { train: 1, test: 10 } as const;

function* questionRows(source: SceneSource, options: RowOptions): Generator<Row> {
  const balance = new Balance();
  for (const [number, scene] of scenesOf(source, options)) {
    const random = textsOf(scene);
    let left = random.shuffled(questionsOf(random, scene, source.world.concepts, source.catalogue));
    for (let turn = 0; turn < options.each; turn++) {
      const question = balance.take(left);
      if (question === undefined) break;
      left = left.filter(({ kind }) => kind !== question.kind);
      const answers = Array.from({ length: people[source.split.part] }, () => question.answer);
      yield {
        scenes: [scene],
        record: {
          ...{ question_id: `${number}-${turn}`, question: question.question, answers },
          ...{ question_type: question.kind, scene: signature(scene), style: scene.style },
        },
      };
    }
  }
}

function* statementRows(source: SceneSource, { count, first }: RowOptions): Generator<Row> {
  for (let number = first; number < first + count; number++) {
    const { scenes, sentence, label, kind } = statementOf(source, number);
    yield {
      scenes,
      record: { identifier: String(number), sentence, label: label ? "True" : "False", kind },
    };
  }
}

function* webRows(source: SceneSource, options: RowOptions): Generator<Row> {
  const pool = poolOf(source);
  for (const [number, scene] of scenesOf(source, options)) {
    const other = (accept: (scene: Scene) => boolean) => source.named(`${number}/another`, accept);
    const { text, kind } = webText(new Random(`${scene.key}/web`), scene, pool, source.catalogue, other);
    yield {
      scenes: [scene],
      record: {
        ...{ image_id: number, caption: text, label: kind === "right" ? 1 : 0, noise: kind },
        ...{ scene: signature(scene), style: scene.style },
      },
    };
  }
}

/** The rows, in the order of their numbers. */
export function rowsOf(source: SceneSource, options: RowOptions): Generator<Row> {
  switch (options.task) {
    case "caption":
    case "retrieval":
    case "pretrain":
      return captionRows(source, options);
    case "match":
      return source.split.part === "train" ? captionRows(source, options) : editRows(source, options);
    case "vqa":
      return questionRows(source, options);
    case "nlvr":
      return statementRows(source, options);
    case "web":
      return webRows(source, options);
  }
}
