// Reads BLIP's answer_list.json: the answers that a VQA model ranks.
import { jsonPieces, parseValue } from "./bytes/json-pieces.ts";
import { badDocument, badRow, described } from "./errors.ts";
import type { DataFile } from "./files.ts";
import { defaultLimits, type DatasetLimits } from "./limits.ts";
import { wholeFile } from "./place.ts";
import { bytesOf } from "./row-source.ts";

/**
 * Reads a JSON list of texts. Each text must be unique and not blank.
 * @throws {InputError} `dataset/bad-row`, `dataset/bad-json`, `dataset/encoding`, `dataset/truncated`
 */
export async function readAnswers(file: DataFile, limits: Partial<DatasetLimits> = {}): Promise<string[]> {
  const answers = new Set<string>();
  for await (const piece of jsonPieces(file.name, bytesOf(file), { ...defaultLimits, ...limits })) {
    if (piece.kind === "error") throw piece.error;
    if (piece.kind !== "element" || piece.section !== undefined)
      throw badDocument(wholeFile(file.name), "a JSON list of answers", "an object");
    const answer = parseValue(piece.place, piece.text);
    if (typeof answer !== "string" || answer.trim() === "")
      throw badRow(piece.place, "an answer", described(answer), "Correct the list.");
    if (answers.has(answer))
      throw badRow(piece.place, "each answer once", described(answer), "Correct the list.");
    answers.add(answer);
  }
  if (answers.size === 0) throw badRow(wholeFile(file.name), "at least one answer", "an empty list");
  return [...answers];
}
