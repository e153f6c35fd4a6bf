// The work of a step: the number of times that each product runs.
import { GraphBuilder } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import {
  operationsAsProduct,
  secondsPerBatch,
  secondsPerState,
  secondsPerUpdate,
  workOf,
} from "./estimate-time.ts";

/**
 * x [B, 8] -> first [8, 8] -> second [8, 4]: 128 B and 64 B operations forward, and the product of a moving average.
 */
function graph() {
  const b = GraphBuilder.create("g");
  const x = b.input("x", "float32", ["B", 8]);
  const hidden = b.linear(x, "first", 8);
  const follower = b.linear(x, "first_m", 8);
  b.output("y", b.linear(hidden, "second", 4));
  b.output("m", b.detach(follower));
  return b.build();
}

const work = (trained: readonly string[], recompute = false) =>
  workOf(graph(), { x: { dims: [3, 8] } }, { isTrained: (name) => trained.includes(name), recompute })
    .products;

describe("products", () => {
  const all = ["first.weight", "first.bias", "second.weight", "second.bias"];
  const [first, second] = [3 * 128, 3 * 64];

  test("are made once more for each input that has a gradient", () => {
    // The images have no gradient. Everything after them has one, and so have the weights.
    expect(work(all)).toBe(2 * first + 3 * second + first);
  });

  test("of frozen weights are made back for what stands before them alone", () => {
    expect(work(["first.weight", "first.bias"])).toBe(2 * first + 2 * second + first);
    expect(work(["second.weight", "second.bias"])).toBe(first + 2 * second + first);
    expect(work([])).toBe(2 * first + second);
  });

  test("are made again if layers are computed a second time, but for what is not learned", () => {
    expect(work(all, true)).toBe(3 * first + 4 * second + first);
  });
});

test("numbers are made once by what is not learned, three times by what is, four times if computed again", () => {
  const numbers = (recompute: boolean) =>
    workOf(graph(), { x: { dims: [3, 8] } }, { isTrained: (name) => name.startsWith("second"), recompute })
      .numbers;
  // The two products by frozen weights make 3 rows of 8, the last one 3 rows of 4.
  expect(numbers(false)).toBe(24 + 24 + 3 * 12);
  expect(numbers(true)).toBe(24 + 24 + 4 * 12);
});

test("updates and states follow the numbers", () => {
  const parameters = [
    { name: "a", dims: [1000, 1000], role: { kind: "trained", group: 0 } },
    { name: "a_m", dims: [1000, 1000], role: { kind: "follower", of: "a" } },
    { name: "b", dims: [1000], role: { kind: "still" } },
  ] as const;
  expect(secondsPerUpdate(parameters)).toBeCloseTo(2e-3 + 3e-3, 9);
  expect(secondsPerState(parameters)).toBeCloseTo(0.015 + 5 * 2.5e-4 + 16.004e6 / 4e8, 9);
});

test("a batch's work is its products, its numbers and its operations", () => {
  expect(operationsAsProduct({ products: 950, numbers: 0, nodes: 0 })).toBeCloseTo(1000, 9);
  expect(operationsAsProduct({ products: 0, numbers: 95, nodes: 2 })).toBeCloseTo(10_000 + 1e6, 6);
});

test("images are read beside a step: a batch takes the slower of both and half of the other", () => {
  expect(secondsPerBatch(3, 1)).toBe(3.5);
  expect(secondsPerBatch(1, 3)).toBe(3.5);
  expect(secondsPerBatch(2, 0)).toBe(2);
});
