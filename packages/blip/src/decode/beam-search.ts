// Beam search for one prompt, in the two conventions of BLIP's published numbers: transformers 4.15
// (generation_beam_search.py) and 5.23 (generation/utils.py `_beam_search`).
import { allFinite, missed, must } from "@blip-ts/base";
import type { Continuation, Hypothesis, Search } from "./next-token-model.ts";
import type { SequenceOptions } from "./options.ts";
import { logSoftmax, processScores } from "./processors.ts";

/** An unfinished sequence. */
interface Beam {
  readonly tokens: readonly number[];
  /** Log-probabilities of the generated tokens before penalties. */
  readonly logProbabilities: readonly number[];
  /** The sum of the processed log-probabilities, in float32 as in the references. */
  readonly sum: number;
}

/** A beam with one more token. */
interface Candidate {
  readonly parent: number;
  readonly token: number;
  readonly sum: number;
  readonly logProbability: number;
}

interface Finished extends Hypothesis {
  readonly score: number;
}

/** Collects and scores finished hypotheses, and decides when the search ends. */
interface Scoring {
  /** Processes a step's candidates, best first, which extend `beams`. @returns the candidates that continue */
  step(candidates: readonly Candidate[], beams: readonly Beam[]): readonly Candidate[];
  /** Whether the search is over. Called after each step with the remaining beams. */
  isOver(beams: readonly Beam[]): boolean;
  /** Returns the hypotheses, best first. @param open the beams that were unfinished when the search ended */
  finish(open: readonly Beam[]): readonly Finished[];
}

const extend = (beam: Beam, { token, sum, logProbability }: Candidate): Beam => ({
  tokens: [...beam.tokens, token],
  logProbabilities: [...beam.logProbabilities, logProbability],
  sum,
});

const finished = ({ tokens, logProbabilities }: Beam, score: number): Finished => ({
  tokens,
  tokenLogProbabilities: logProbabilities,
  score,
});

/** Computes the score in float32, because the reference implementations divide float32 tensors. */
const quotient = (sum: number, length: number, exponent: number): number =>
  Math.fround(sum / length ** exponent);

/**
 * The scoring of transformers 4.15. The length of a hypothesis includes the prompt and excludes [SEP]. At the maximum
 * length, unfinished beams are scored the same way. The search ends when there are enough hypotheses and the worst of
 * them is at least as good as the score of the step's best candidate.
 */
class PromptIncluded implements Scoring {
  readonly #options: SequenceOptions;
  readonly #kept: Finished[] = [];
  #worst = 1e9;
  #over = false;

  constructor(options: SequenceOptions) {
    this.#options = options;
  }

  step(candidates: readonly Candidate[], beams: readonly Beam[]): readonly Candidate[] {
    const { beams: count, sepId, lengthPenalty, earlyStopping } = this.#options;
    const going: Candidate[] = [];
    for (const [rank, candidate] of candidates.entries()) {
      const beam = beams[candidate.parent];
      if (!beam) continue;
      if (candidate.token !== sepId) going.push(candidate);
      // [SEP] counts only if it is among the best candidates.
      else if (rank < count) this.#add(beam, extend(beam, candidate), candidate.sum);
      if (going.length === count) break;
    }
    const length = must(beams, 0).tokens.length;
    const best = must(candidates, 0).sum;
    if (this.#kept.length >= count && (earlyStopping || this.#worst >= best / length ** lengthPenalty))
      this.#over = true;
    return going;
  }

  isOver(beams: readonly Beam[]): boolean {
    const [first] = beams;
    return this.#over || first === undefined || first.tokens.length >= this.#options.maxLength;
  }

  finish(open: readonly Beam[]): readonly Finished[] {
    if (!this.#over) for (const beam of open) this.#add(beam, beam, beam.sum);
    return [...this.#kept].sort((a, b) => a.score - b.score).reverse();
  }

  /** @param scored the beam whose length counts @param whole the beam to return, with its [SEP] */
  #add(scored: Beam, whole: Beam, sum: number): void {
    const { beams: count, lengthPenalty } = this.#options;
    const score = sum / scored.tokens.length ** lengthPenalty;
    if (this.#kept.length >= count && score <= this.#worst) return;
    this.#kept.push(finished(whole, score));
    if (this.#kept.length <= count) {
      this.#worst = Math.min(score, this.#worst);
      return;
    }
    const [lowest, next] = [...this.#kept].sort((a, b) => a.score - b.score);
    if (lowest) this.#kept.splice(this.#kept.indexOf(lowest), 1);
    this.#worst = next?.score ?? this.#worst;
  }
}

/**
 * The scoring of transformers 5.23. The length of a hypothesis counts its generated tokens, including [SEP]. A
 * hypothesis is finished when it ends with [SEP] or reaches the maximum length. The search ends when there are as many
 * hypotheses as beams and the best unfinished beam, scored at its current length, is no better than the worst.
 */
class GeneratedOnly implements Scoring {
  readonly #options: SequenceOptions;
  readonly #promptLength: number;
  #kept: readonly Finished[] = [];
  #noContinuation = false;

  constructor(options: SequenceOptions, promptLength: number) {
    this.#options = options;
    this.#promptLength = promptLength;
  }

  step(candidates: readonly Candidate[], beams: readonly Beam[]): readonly Candidate[] {
    const { beams: count, sepId, maxLength, lengthPenalty } = this.#options;
    const length = must(beams, 0).tokens.length + 1;
    const ends = ({ token }: Candidate) => token === sepId || length >= maxLength;
    // [SEP] counts only if it is among the best candidates.
    const ended = candidates.slice(0, count).flatMap((candidate) => {
      const beam = beams[candidate.parent];
      if (!beam || !ends(candidate)) return [];
      const score = quotient(candidate.sum, length - this.#promptLength, lengthPenalty);
      return [finished(extend(beam, candidate), score)];
    });
    this.#kept = [...this.#kept, ...ended].sort((a, b) => b.score - a.score).slice(0, count);
    const going = candidates.filter((candidate) => !ends(candidate));
    this.#noContinuation = going.length === 0;
    return going.slice(0, count);
  }

  isOver(beams: readonly Beam[]): boolean {
    if (this.#noContinuation) return true;
    const { beams: count, lengthPenalty, earlyStopping } = this.#options;
    const [best] = beams;
    const worst = this.#kept[count - 1];
    if (!worst || !best) return false;
    if (earlyStopping) return true;
    return quotient(best.sum, best.tokens.length - this.#promptLength, lengthPenalty) <= worst.score;
  }

  finish(): readonly Finished[] {
    return this.#kept;
  }
}

/** Returns the best `count` candidates of all beams. With 2 * beams, enough of them continue even if the best end. */
function bestCandidates(
  beams: readonly Beam[],
  scores: readonly Float32Array[],
  raw: readonly Float32Array[],
  count: number,
): Candidate[] {
  const best: Candidate[] = [];
  // The sum that a candidate must exceed: the sum of the worst kept candidate, once there are `count` candidates.
  let least = -Infinity;
  beams.forEach((beam, parent) => {
    const row = must(scores, parent, "row of scores");
    const logProbabilities = must(raw, parent, "row of log-probabilities");
    for (let token = 0; token < row.length; token++) {
      const sum = Math.fround((row[token] ?? missed("score")) + beam.sum);
      if (best.length >= count && !(sum > least)) continue;
      let rank = best.length;
      while (rank > 0 && sum > must(best, rank - 1).sum) rank--;
      best.splice(rank, 0, { parent, token, sum, logProbability: must(logProbabilities, token) });
      if (best.length > count) best.pop();
      if (best.length === count) least = must(best, count - 1).sum;
    }
  });
  return best;
}

export class BeamSearch implements Search {
  readonly prompt: readonly number[];
  readonly #options: SequenceOptions;
  readonly #scoring: Scoring;
  #beams: readonly Beam[];
  #broken = false;

  constructor(prompt: readonly number[], options: SequenceOptions) {
    this.prompt = prompt;
    this.#options = options;
    this.#scoring =
      options.beamScoring === "transformers-4.15"
        ? new PromptIncluded(options)
        : new GeneratedOnly(options, prompt.length);
    this.#beams = [{ tokens: prompt, logProbabilities: [], sum: 0 }];
  }

  get broken(): boolean {
    return this.#broken;
  }

  advance(logits: readonly Float32Array[]): Continuation | undefined {
    this.#broken = !logits.every(allFinite);
    if (this.#broken) return undefined;
    const raw = this.#beams.map((_, index) => logSoftmax(must(logits, index, "row of logits")));
    const scores = this.#beams.map(({ tokens }, index) =>
      processScores(must(raw, index, "row of scores"), tokens, this.#options),
    );
    const all = bestCandidates(this.#beams, scores, raw, 2 * this.#options.beams);
    const going = this.#scoring.step(all, this.#beams);
    const before = this.#beams;
    this.#beams = going.flatMap((candidate) => {
      const beam = before[candidate.parent];
      return beam ? [extend(beam, candidate)] : [];
    });
    if (this.#scoring.isOver(this.#beams)) return undefined;
    return {
      parents: going.map(({ parent }) => parent),
      tokens: going.map(({ token }) => token),
    };
  }

  results(): readonly Hypothesis[] {
    return this.#scoring.finish(this.#beams).slice(0, this.#options.numReturn);
  }
}
