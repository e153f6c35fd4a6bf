// Visual question answering: soft accuracy and exact matches of generated answers, or of the best answers of a list
// (BLIP train_vqa.py, LAVIS vqa_eval.py).
import type { VqaExample } from "@blip-ts/datasets";
import { vqaAccuracy, type VqaQuestion } from "@blip-ts/metrics";
import { BlipError, closedBy } from "@blip-ts/base";
import type { Platform } from "../../platform.ts";
import { Answerer } from "../../verbs/ask.ts";
import type { EvaluatedImage, EvaluationHost } from "../host.ts";
import type { EvaluateOptions } from "../options.ts";
import type { Evaluated, RowTask } from "./row-task.ts";
import { generationOf, generationOnly } from "./generation.ts";
import { listHash } from "../survey.ts";

const answerOf = ({ fields }: Evaluated<"vqa">): string => String(fields.answer);

/** The default of `k` in BLIP's VQA. */
const defaultK = 128;

const kOf = ({ k }: EvaluateOptions): number | undefined => (typeof k === "number" ? k : k?.[0]);

/** The values that affect the answers. */
function decides(host: EvaluationHost, { model }: Answerer<EvaluatedImage>, options: EvaluateOptions) {
  const { answers } = options;
  if (!answers)
    return { ...generationOf(model.generator, model.loaded.tokens.dec, options), answers: undefined };
  return { answers: { count: answers.length, sha256: listHash(host, answers) }, k: kOf(options) ?? defaultK };
}

/** A question with the model's answer and the human answers. */
const question = (row: Evaluated<"vqa">): VqaQuestion => {
  const { humanAnswers, answerType, questionType } = row.example;
  return {
    answer: answerOf(row),
    answers: humanAnswers,
    ...(answerType === undefined ? {} : { answerType }),
    ...(questionType === undefined ? {} : { questionType }),
  };
};

/** A-OKVQA's multiple choice: whether the answer equals the right choice. Undefined without choices. */
const choiceRight = ({ choices, correctChoice }: VqaExample, answer: string): boolean | undefined =>
  choices === undefined || correctChoice === undefined ? undefined : choices[correctChoice] === answer;

export const vqaTask = (platform: Platform<EvaluatedImage>): RowTask<"vqa"> => ({
  data: "vqa",
  async load(source, host, options) {
    const answerer = await Answerer.load(platform, source, options);
    const { signal, maxPixels, answers } = options;
    const call = { ...generationOnly(options), answers, k: kOf(options), signal, maxPixels };
    return {
      loaded: answerer.model.loaded,
      decides: decides(host, answerer, options),
      imagesOf: ({ image }) => [image],
      async fieldsOf(examples) {
        const requests = examples.map(({ image, question }) => ({ image: host.imageOf(image), question }));
        const answered = await answerer.answerEach(requests, call);
        return answered.map((rows, index) => {
          if (rows instanceof BlipError) return rows;
          const [best] = rows;
          if (!best) throw new Error("a question got no answer");
          return { id: examples[index]?.questionId, answer: best.answer, score: best.score };
        });
      },
      ...closedBy(() => answerer.close()),
    };
  },
  async results(rows) {
    const questions: VqaQuestion[] = [];
    const choices: boolean[] = [];
    let all = 0;
    for await (const row of rows) {
      all++;
      if (row.example.humanAnswers.length > 0) questions.push(question(row));
      const right = choiceRight(row.example, answerOf(row));
      if (right !== undefined) choices.push(right);
    }
    const rest = { questions: all, withoutAnswers: all - questions.length };
    const choice =
      choices.length > 0 ? { multipleChoice: (100 * choices.filter(Boolean).length) / choices.length } : {};
    if (questions.length === 0) return { ...rest, ...choice };
    const { overall, exactMatch, byAnswerType, byQuestionType } = vqaAccuracy(questions);
    return { ...rest, ...choice, accuracy: overall, exactMatch, byAnswerType, byQuestionType };
  },
  submitted: (row) => ({ question_id: row.example.questionId, answer: answerOf(row) }),
});
