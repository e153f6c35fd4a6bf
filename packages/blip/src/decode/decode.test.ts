// The choice of tokens, without a network: distributions of samples, seeds, the edges of top-k and top-p, penalties.
import { describe, expect, test } from "vitest";
import { generate, searchOf } from "./generate.ts";
import type { NextTokenModel } from "./next-token-model.ts";
import { transformersDefaults, type SequenceOptions } from "./options.ts";
import { candidates, logSoftmax, processScores } from "./processors.ts";
import { seededRandom } from "./random.ts";

const sepId = 5;
const options = (some: Partial<SequenceOptions>): SequenceOptions => ({
  ...transformersDefaults,
  ...{ topK: 0, sample: true, maxLength: 3, sepId },
  ...some,
});

/** A model of 6 tokens, in which the next token depends only on the last one. */
const table: readonly (readonly number[])[] = [
  [0.5, -1, 0.25, 1.5, -0.5, -20],
  [2, 0, -1, 0.5, 1, -20],
  [-3, 1, 1, 1, 0, -20],
  [0, 0, 0, 0, 0, -20],
  [1.5, -2, 0.75, -0.25, 0.1, -20],
  [0, 0, 0, 0, 0, 0],
];
function model(): NextTokenModel {
  let last: number[] = [];
  const logits = () => Float32Array.from(last.flatMap((token) => table[token] ?? []));
  return {
    vocabSize: 6,
    start: (prompts) => {
      last = prompts.map((prompt) => prompt.at(-1) ?? 0);
      return Promise.resolve(logits());
    },
    step: (_parents, tokens) => {
      last = [...tokens];
      return Promise.resolve(logits());
    },
  };
}

async function draws(some: Partial<SequenceOptions>): Promise<number[][]> {
  const [found = []] = await generate(model(), [searchOf([0], options(some))]);
  return found.map(({ tokens }) => [...tokens]);
}

/** softmax(scores / temperature) over the kept tokens, 0 for the others. */
function shares(scores: readonly number[], temperature = 1, keep: (token: number) => boolean = () => true) {
  const powers = scores.map((score, token) => (keep(token) ? Math.exp(score / temperature) : 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Pearson's statistic of counts against shares; infinite if an impossible token was drawn. */
function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, token) => {
    const mean = total * (expected[token] ?? 0);
    return sum + (mean === 0 ? (count === 0 ? 0 : Infinity) : (count - mean) ** 2 / mean);
  }, 0);
}

const count = (tokens: readonly number[]) =>
  Array.from({ length: 6 }, (_, token) => tokens.filter((one) => one === token).length);

/** The value that is exceeded once in 10,000 runs at 5 degrees of freedom. The seed is fixed, so the result is too. */
const limit = 25.7;

describe("drawn tokens", () => {
  const first = table[0] ?? [];

  test.each<[string, Partial<SequenceOptions>, readonly number[]]>([
    ["all tokens", {}, shares(first)],
    ["a temperature of 0.5", { temperature: 0.5 }, shares(first, 0.5)],
    ["a temperature of 2", { temperature: 2 }, shares(first, 2)],
    ["the 2 likeliest", { topK: 2 }, shares(first, 1, (token) => [3, 0].includes(token))],
    // 0.53, 0.20 and 0.15: the third one passes 0.8.
    ["0.8 of the probability", { topP: 0.8 }, shares(first, 1, (token) => [3, 0, 2].includes(token))],
  ])("come as often as they should: %s", async (_what, some, expected) => {
    const tokens = (await draws({ ...some, numReturn: 8000, seed: 11, maxLength: 2 })).map(
      ([, one = -1]) => one,
    );
    expect(tokens).toHaveLength(8000);
    expect(chiSquare(count(tokens), expected)).toBeLessThan(limit);
  });

  test("a wrong distribution would be found", async () => {
    const tokens = (await draws({ numReturn: 8000, seed: 11, maxLength: 2 })).map(([, one = -1]) => one);
    expect(chiSquare(count(tokens), shares(first, 1.15))).toBeGreaterThan(limit);
  });

  test("the second token is drawn given the first, independently of how that was drawn", async () => {
    const rows = await draws({ numReturn: 8000, seed: 3 });
    for (const before of [0, 2, 3]) {
      const after = rows.filter(([, one]) => one === before).map(([, , two = -1]) => two);
      expect(after.length).toBeGreaterThan(500);
      expect(chiSquare(count(after), shares(table[before] ?? []))).toBeLessThan(limit);
    }
  });

  test("a seed says which; other seeds and other samples differ", async () => {
    const some = { numReturn: 8, maxLength: 12 };
    const [one, again, other] = [
      await draws({ ...some, seed: 1 }),
      await draws({ ...some, seed: 1 }),
      await draws({ ...some, seed: 2 }),
    ];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(new Set(one.map(String)).size).toBe(8);
    // The first of eight equals a single one.
    expect((await draws({ ...some, numReturn: 1, seed: 1 }))[0]).toEqual(one[0]);
  });

  test("a picture's texts do not depend on what else is in the batch", async () => {
    const [alone] = await generate(model(), [searchOf([0], options({ seed: 4, maxLength: 9 }))]);
    const searches = [[1], [0], [2]].map((prompt) => searchOf(prompt, options({ seed: 4, maxLength: 9 })));
    expect((await generate(model(), searches))[1]).toEqual(alone);
  });

  test("seeds beyond 32 bits differ, and numbers lie from 0 to below 1", () => {
    const some = (seed: number) => Array.from({ length: 4 }, seededRandom(seed, 0));
    expect(some(2 ** 32)).not.toEqual(some(0));
    const random = seededRandom(7, 0);
    const numbers = Array.from({ length: 10_000 }, () => random());
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((a, b) => a + b, 0) / numbers.length).toBeCloseTo(0.5, 1);
  });
});

describe("what tokens are drawn from", () => {
  const scores = Float32Array.from(table[0] ?? []);
  const kept = (some: Partial<SequenceOptions>, from = scores) =>
    candidates(from, options(some)).map(({ token }) => token);

  /** transformers' TopPLogitsWarper, which starts with the least likely token and always keeps one. */
  function reference(from: Float32Array, topP: number): number[] {
    const order = Array.from(from.keys()).sort((a, b) => (from[a] ?? 0) - (from[b] ?? 0));
    const probabilities = shares(Array.from(from));
    let cumulative = 0;
    const removed = new Set<number>();
    order.forEach((token, place) => {
      cumulative += probabilities[token] ?? 0;
      if (cumulative <= 1 - topP && place < order.length - 1) removed.add(token);
    });
    return order.filter((token) => !removed.has(token)).reverse();
  }

  test("p = 0 leaves the likeliest, p = 1 all", () => {
    expect(kept({ topP: 0 })).toEqual([3]);
    expect(kept({ topP: 1 })).toEqual([3, 0, 2, 4, 1, 5]);
  });

  test("k = 1 leaves the likeliest, k = 0 and a k beyond the vocabulary all", () => {
    expect(kept({ topK: 1 })).toEqual([3]);
    expect(kept({ topK: 0 })).toHaveLength(6);
    expect(kept({ topK: 99 })).toHaveLength(6);
  });

  test("tokens as likely as the k-th stay, as in the reference", () => {
    expect(kept({ topK: 2 }, Float32Array.from([1, 3, 1, 1, 0, -1]))).toEqual([1, 0, 2, 3]);
  });

  test("all mass on one token leaves it, whatever p and k are", () => {
    const sure = Float32Array.from([-Infinity, -Infinity, 4, -Infinity, -Infinity, -Infinity]);
    for (const some of [{}, { topP: 0 }, { topP: 0.5 }, { topK: 1 }, { topK: 3 }, { temperature: 9 }])
      expect(candidates(sure, options(some))).toEqual([{ token: 2, probability: 1 }]);
    const nearly = Float32Array.from([0, 0, 200, 0, 0, 0]);
    expect(kept({ topP: 0.999 }, nearly)).toEqual([2]);
  });

  test("is what transformers' warper keeps, for many scores and p", () => {
    const random = seededRandom(5, 0);
    for (let round = 0; round < 300; round++) {
      const some = Float32Array.from({ length: 6 }, () => 6 * random() - 3);
      const topP = random();
      expect(kept({ topP }, some)).toEqual(reference(some, topP));
    }
  });

  test("k is applied before p, and shares are of what is left", () => {
    // Among the two likeliest, 0.73 and 0.27, p = 0.7 keeps one; among all tokens it would keep two.
    expect(kept({ topK: 2, topP: 0.7 })).toEqual([3]);
    const left = candidates(scores, options({ topK: 3 }));
    expect(left.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
  });
});

describe("scores", () => {
  const processed = (scores: readonly number[], tokens: readonly number[], some: Partial<SequenceOptions>) =>
    Array.from(processScores(Float32Array.from(scores), tokens, options(some)));

  test("a repetition penalty makes what is there less likely, whatever its sign", () => {
    expect(processed([2, -2, 1, 0, 0, 0], [0, 1, 1], { repetitionPenalty: 2 })).toEqual([1, -4, 1, 0, 0, 0]);
  });

  test("no run comes twice", () => {
    const none = -Infinity;
    expect(processed([0, 0, 0, 0, 0, 0], [1, 2, 3, 1, 2], { noRepeatNgram: 3 })).toEqual([
      0,
      0,
      0,
      none,
      0,
      0,
    ]);
    expect(processed([0, 0, 0, 0, 0, 0], [1, 2, 1], { noRepeatNgram: 2 })).toEqual([0, 0, none, 0, 0, 0]);
    expect(processed([0, 0, 0, 0, 0, 0], [1, 4], { noRepeatNgram: 1 })).toEqual([0, none, 0, 0, none, 0]);
    expect(processed([0, 0, 0, 0, 0, 0], [1], { noRepeatNgram: 3 })).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("[SEP] is not allowed before the minimum length", () => {
    expect(processed([0, 0, 0, 0, 0, 9], [1, 2], { minLength: 3 })[sepId]).toBe(-Infinity);
    expect(processed([0, 0, 0, 0, 0, 9], [1, 2, 3], { minLength: 3 })[sepId]).toBe(9);
  });

  test("log-probabilities are those of the raw logits", () => {
    const found = logSoftmax(Float32Array.from([1000, 1000, 999, -1000, 0, 0]));
    expect(found[0]).toBeCloseTo(-Math.log(2 + Math.exp(-1)), 6);
    expect(found[3]).toBeCloseTo(-2000 - Math.log(2 + Math.exp(-1)), 3);
  });
});

describe("logits that are not finite", () => {
  /** The same model, with logits after token 2 that are not finite. */
  function lacking(value: number): NextTokenModel {
    const whole = model();
    let last: number[] = [];
    const spoilt = (logits: Float32Array) => {
      last.forEach((token, row) => {
        if (token === 2) logits[6 * row + 4] = value;
      });
      return logits;
    };
    return {
      vocabSize: 6,
      start: async (prompts) => {
        last = prompts.map((prompt) => prompt.at(-1) ?? 0);
        return spoilt(await whole.start(prompts));
      },
      step: async (parents, tokens) => {
        last = [...tokens];
        return spoilt(await whole.step(parents, tokens));
      },
    };
  }
  const single = { sample: false, maxLength: 3 };
  const ways: [string, Partial<SequenceOptions>][] = [
    ["greedy", single],
    ["drawn", { sample: true, numReturn: 3, seed: 5, maxLength: 3, topK: 2 }],
    ["of beams as in 5.23", { ...single, beams: 3, numReturn: 3 }],
    ["of beams as in 4.15", { ...single, beams: 3, beamScoring: "transformers-4.15" }],
  ];

  test.each(ways)("break their own search: %s", async (_, some) => {
    // Token 1 leads to 0, 3 and 4, and the token after those is the last, so token 2 is never read.
    const search = (prompt: number[]) => searchOf(prompt, options(some));
    for (const value of [NaN, Infinity, -Infinity]) {
      const found = await generate(lacking(value), [search([1]), search([2]), search([1])]);
      const [alone] = await generate(lacking(value), [search([1])]);
      expect(found[1]).toBeUndefined();
      expect(alone?.length).toBeGreaterThan(0);
      expect(found[0]).toEqual(alone);
      expect(found[2]).toEqual(alone);
    }
  });

  test("break a search in its midst, too", async () => {
    // The likeliest successor of 3 is 0, and that of 0 is 3. One of three beams comes to 2.
    const [greedy] = await generate(lacking(NaN), [searchOf([0], options({ ...single, maxLength: 6 }))]);
    expect(greedy?.[0]?.tokens).toHaveLength(6);
    const [beams] = await generate(lacking(NaN), [
      searchOf([0], options({ ...single, beams: 3, maxLength: 6 })),
    ]);
    expect(beams).toBeUndefined();
  });

  test("are not what a search forbids itself", async () => {
    const forbidding = { minLength: 4, noRepeatNgram: 1, repetitionPenalty: 1.5, maxLength: 5 };
    for (const [, some] of ways) {
      const [found] = await generate(model(), [searchOf([0], options({ ...some, ...forbidding }))]);
      expect(found?.length).toBeGreaterThan(0);
      for (const { tokenLogProbabilities } of found ?? [])
        for (const one of tokenLogProbabilities) expect(Number.isFinite(one)).toBe(true);
    }
  });

  test("of a row that is over are not read", async () => {
    // The logits after [SEP] are not used.
    const afterSep: NextTokenModel = {
      vocabSize: 6,
      start: (prompts) => Promise.resolve(new Float32Array(6 * prompts.length).fill(1)),
      step: (_parents, tokens) =>
        Promise.resolve(
          Float32Array.from(tokens.flatMap((token) => new Array<number>(6).fill(token === sepId ? NaN : 1))),
        ),
    };
    const some = options({ numReturn: 8, seed: 1, maxLength: 6 });
    const [found] = await generate(afterSep, [searchOf([0], some)]);
    const lengths = new Set(found?.map(({ tokens }) => tokens.length));
    expect(lengths.size).toBeGreaterThan(1);
  });
});

describe("rows of logits that are missing", () => {
  test.each([
    ["beams of transformers 5", { sample: false, beams: 2, beamScoring: "transformers-5.23" }],
    ["beams of transformers 4.15", { sample: false, beams: 2, beamScoring: "transformers-4.15" }],
    ["one sequence", { sample: false }],
  ] as const)("are no row of another sequence: %s", (_, some) => {
    const search = searchOf([0], options(some));
    expect(() => search.advance([])).toThrow(/row/);
  });
});
