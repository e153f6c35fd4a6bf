// VQA: the weighted loss of every answer that people gave (models/blip_vqa.py). Each question is encoded with its image
// once, and its answers attend to the question's states.
import { floatTensor, type GraphBuilder, type Tensor, type Value } from "@blip-ts/graph";
import { scope } from "../../model/decoder.ts";
import { languageModelTies } from "../../model/language-model.ts";
import { layerKeysAndValues, paddingBias, textModel } from "../../model/text.ts";
import type { QuestionBatch } from "./batches.ts";
import { badBatch } from "./errors.ts";
import { decoderInputs, labelSmoothing, weightedTokenLoss } from "./language.ts";
import { pickRows, type Network } from "./network.ts";
import type { LossPart } from "./part.ts";
import {
  decoderRows,
  positionsOf,
  rowsOf,
  weighted,
  type RowOptions,
  type SpecialTokens,
} from "./token-rows.ts";

export interface AnswersOptions {
  /** The row options of questions. Answers are not truncated. */
  readonly rows: RowOptions;
  readonly tokens: Pick<SpecialTokens, "encoder" | "decoder">;
  readonly smoothing?: number;
}

/** One-hot rows that select the question of each answer [A, B]. @throws {UsageError} `objective/bad-batch` */
export function questionOfAnswers({
  size,
  answers,
  answerCounts,
  weights,
}: QuestionBatch): Tensor<"float32"> {
  const total = answerCounts.reduce((a, b) => a + b, 0);
  if (answerCounts.length !== size) throw badBatch("questions with answer counts", answerCounts.length, size);
  if (answers.length !== total) throw badBatch("answers", answers.length, total);
  if (weights.length !== total) throw badBatch("weights of answers", weights.length, total);
  const choice = new Float32Array(total * size);
  let row = 0;
  answerCounts.forEach((count, question) => {
    for (let k = 0; k < count; k++) choice[row++ * size + question] = 1;
  });
  return floatTensor([total, size], choice);
}

function build(network: Network, smoothing: number): Value {
  const { b, batch: B, config, imageStates } = network;
  const ids = b.input("question_ids", "int64", [B, "T"]);
  const positions = b.input("question_positions", "int64", ["T"]);
  const mask = b.input("question_mask", "int64", [B, "T"]);
  const choice = b.input("question_of_answer", "float32", ["A", B]);
  const { states } = textModel(
    b.at("text_encoder"),
    {
      ...{ ids, positions, bias: paddingBias(b, mask) },
      crossAttendTo: () => [{ of: imageStates }],
      regularize: network.masks.for("question"),
    },
    config.text,
  );
  const seen = pickRows(b, choice, b.cast(mask, "float32"));
  const asked = (at: GraphBuilder, of: Value) => pickRows(at, choice, of);
  const crossAttendTo = (layer: number) => [
    { of: layerKeysAndValues(b.at(scope), states, layer, config.text, asked), mask: seen },
  ];
  return weightedTokenLoss(network, "A", crossAttendTo, smoothing);
}

/** The VQA loss: the sum of all answers' token losses times their weights, divided by the number of questions. */
export function answers(options: AnswersOptions): LossPart<QuestionBatch> {
  const { rows, tokens, smoothing = labelSmoothing } = options;
  return {
    name: "VQA",
    build: (network) => build(network, smoothing),
    inputs(batch) {
      const questions = rowsOf(batch.questions, { ...rows, first: tokens.encoder });
      const choice = questionOfAnswers(batch);
      const decoder = decoderRows(rowsOf(batch.answers, { padding: rows.padding, first: tokens.decoder }), 1);
      const { size, counted = size } = batch;
      const weights = batch.weights.map((weight) => weight / counted);
      return {
        question_ids: questions.ids,
        question_positions: positionsOf(questions.length),
        question_mask: questions.mask,
        question_of_answer: choice,
        ...decoderInputs(decoder, weighted(decoder, weights)),
      };
    },
    ties: languageModelTies,
  };
}
