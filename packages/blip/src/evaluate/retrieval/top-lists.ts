// The best k of many candidates for many queries. Memory does not grow with the number of candidates.
import { missed } from "@blip-ts/base";

/** The k best candidates per query. Among equal scores, the earlier candidate is kept. */
export class TopLists {
  readonly k: number;
  readonly #scores: Float32Array;
  readonly #candidates: Uint32Array;
  readonly #counts: Uint32Array;

  constructor(queries: number, k: number) {
    this.k = k;
    this.#scores = new Float32Array(queries * k);
    this.#candidates = new Uint32Array(queries * k);
    this.#counts = new Uint32Array(queries);
  }

  /** Offers a candidate. Each query has a heap whose root is its worst kept candidate. */
  offer(query: number, candidate: number, score: number): void {
    const [scores, candidates, base] = [this.#scores, this.#candidates, query * this.k];
    const count = this.#counts[query] ?? missed("a count");
    if (count < this.k) {
      scores[base + count] = score;
      candidates[base + count] = candidate;
      this.#counts[query] = count + 1;
      this.#up(base, count);
      return;
    }
    const worst = scores[base] ?? missed("a score");
    if (score < worst || (score === worst && candidate > (candidates[base] ?? missed("a candidate")))) return;
    scores[base] = score;
    candidates[base] = candidate;
    this.#down(base);
  }

  /** The query's candidates, best first. */
  best(query: number): Uint32Array {
    const base = query * this.k;
    const count = this.#counts[query] ?? missed("a count");
    const order = Array.from({ length: count }, (_, place) => place).sort((a, b) =>
      this.#isWorse(base + a, base + b) ? 1 : -1,
    );
    return Uint32Array.from(order, (place) => this.#candidates[base + place] ?? missed("a candidate"));
  }

  #isWorse(a: number, b: number): boolean {
    const [one, other] = [this.#scores[a] ?? missed("a score"), this.#scores[b] ?? missed("a score")];
    return (
      one < other ||
      (one === other &&
        (this.#candidates[a] ?? missed("a candidate")) > (this.#candidates[b] ?? missed("a candidate")))
    );
  }

  #swap(a: number, b: number): void {
    const [scores, candidates] = [this.#scores, this.#candidates];
    const [score, candidate] = [scores[a] ?? missed("a score"), candidates[a] ?? missed("a candidate")];
    scores[a] = scores[b] ?? missed("a score");
    candidates[a] = candidates[b] ?? missed("a candidate");
    scores[b] = score;
    candidates[b] = candidate;
  }

  #up(base: number, from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isWorse(base + at, base + parent)) return;
      this.#swap(base + at, base + parent);
      at = parent;
    }
  }

  #down(base: number): void {
    for (let at = 0; ;) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.k && this.#isWorse(base + child, base + worst)) worst = child;
      if (worst === at) return;
      this.#swap(base + at, base + worst);
      at = worst;
    }
  }
}
