// Reads fixtures/metrics.
import { readFileSync } from "node:fs";
import type { Pieces } from "./generate.ts";

export function readFixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../fixtures/metrics/${name}`, import.meta.url), "utf8"));
}

export const pieces = readFixture("pieces.json") as Pieces;
