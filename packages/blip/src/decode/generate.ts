// Runs the searches of several prompts in parallel with one network.
import { BeamSearch } from "./beam-search.ts";
import type { Hypothesis, NextTokenModel, Search } from "./next-token-model.ts";
import type { SequenceOptions } from "./options.ts";
import { SingleSearch } from "./single-search.ts";

/** Creates the search for the given options. */
export function searchOf(prompt: readonly number[], options: SequenceOptions): Search {
  return options.beams > 1 ? new BeamSearch(prompt, options) : new SingleSearch(prompt, options);
}

/**
 * Runs the searches until all are finished. Searches are independent: each gives the same result as if it ran alone.
 * Yields the number of finished searches after each step.
 */
export async function* generateSteps(
  model: NextTokenModel,
  searches: readonly Search[],
): AsyncGenerator<number, void, undefined> {
  let logits = await model.start(searches.map(({ prompt }) => prompt));
  // The unfinished searches, each with its first row and its number of rows.
  let active = searches.map((search, index) => ({ search, first: index, rows: 1 }));
  while (active.length > 0) {
    const [parents, tokens]: [number[], number[]] = [[], []];
    const still: typeof active = [];
    for (const { search, first, rows } of active) {
      const own = Array.from({ length: rows }, (_, row) =>
        logits.subarray((first + row) * model.vocabSize, (first + row + 1) * model.vocabSize),
      );
      const next = search.advance(own);
      if (!next) continue;
      still.push({ search, first: parents.length, rows: next.parents.length });
      parents.push(...next.parents.map((parent) => first + parent));
      tokens.push(...next.tokens);
    }
    active = still;
    yield searches.length - active.length;
    if (active.length > 0) logits = await model.step(parents, tokens);
  }
}

/** Runs the searches. Returns the results of each search, best first; undefined if its logits are not finite. */
export async function generate(
  model: NextTokenModel,
  searches: readonly Search[],
): Promise<readonly (readonly Hypothesis[] | undefined)[]> {
  for await (const over of generateSteps(model, searches)) if (over === searches.length) break;
  return searches.map((search) => (search.broken ? undefined : search.results()));
}
