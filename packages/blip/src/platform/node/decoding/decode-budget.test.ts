// The budget of concurrent decodes: in turn, and small images beside large ones.
import { expect, test } from "vitest";
import { DecodeBudget, smallBytes } from "./decode-budget.ts";

/** Records which calls have been admitted. */
function watched(budget: DecodeBudget) {
  const admitted: string[] = [];
  const acquire = async (name: string, bytes: number, signal?: AbortSignal) => {
    const release = await budget.acquire(bytes, signal);
    admitted.push(name);
    return release;
  };
  return { admitted, acquire };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
const large = smallBytes + 1;

test("large ones wait for each other, small ones for none of them", async () => {
  const { admitted, acquire } = watched(new DecodeBudget(8 * large, 1));
  const first = acquire("first", large);
  const second = acquire("second", large);
  const small = acquire("small", smallBytes);
  await Promise.all([first, small]);
  expect(admitted).toEqual(["first", "small"]);
  (await first)();
  (await first)();
  await second;
  expect(admitted).toEqual(["first", "small", "second"]);
});

test("the sum of small ones is bounded, in turn", async () => {
  const { admitted, acquire } = watched(new DecodeBudget(4 * smallBytes, 1));
  const held = [acquire("a", smallBytes), acquire("b", smallBytes)];
  const last = [acquire("c", smallBytes), acquire("d", 1)];
  await Promise.all(held);
  await turn();
  expect(admitted).toEqual(["a", "b"]);
  (await Promise.all(held)).forEach((release) => release());
  await Promise.all(last);
  expect(admitted).toEqual(["a", "b", "c", "d"]);
});

test("one that needs more than there is goes alone", async () => {
  const { admitted, acquire } = watched(new DecodeBudget(2 * large, 9));
  const first = acquire("first", large);
  const huge = acquire("huge", 100 * large);
  await turn();
  expect(admitted).toEqual(["first"]);
  (await first)();
  await huge;
  expect(admitted).toEqual(["first", "huge"]);
});

test("who leaves keeps nobody waiting", async () => {
  const { admitted, acquire } = watched(new DecodeBudget(2 * large, 1));
  const first = await acquire("first", large);
  const stop = new AbortController();
  const gone = acquire("gone", 50 * large, stop.signal);
  const next = acquire("next", large);
  stop.abort(new Error("enough"));
  await expect(gone).rejects.toThrow("enough");
  first();
  await next;
  expect(admitted).toEqual(["first", "next"]);
});
