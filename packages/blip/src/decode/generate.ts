// The loop that runs searches of several prompts side by side over one network.
import { BeamSearch } from "./beam-search.ts";
import type { Hypothesis, NextTokenModel, Search } from "./next-token-model.ts";
import type { SequenceOptions } from "./options.ts";
import { SingleSearch } from "./single-search.ts";

/** The search that the options ask for. */
export function searchOf(prompt: readonly number[], options: SequenceOptions): Search {
  return options.beams > 1 ? new BeamSearch(prompt, options) : new SingleSearch(prompt, options);
}

/**
 * Runs the searches to their ends. None sees another: each gives what it would give alone.
 * Yields after each step; what it yields is the number of searches that are over.
 */
export async function* generateSteps(
  model: NextTokenModel,
  searches: readonly Search[],
): AsyncGenerator<number, void, undefined> {
  let logits = await model.start(searches.map(({ prompt }) => prompt));
  // Each search with its first row and how many it has.
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

/** The results of every search, best first; undefined for one that the network's logits broke. */
export async function generate(
  model: NextTokenModel,
  searches: readonly Search[],
): Promise<readonly (readonly Hypothesis[] | undefined)[]> {
  for await (const over of generateSteps(model, searches)) if (over === searches.length) break;
  return searches.map((search) => (search.broken ? undefined : search.results()));
}
