// Writes docs/benchmarks.md from bench/results/benchmark.json, as bench/peers.ts does at its end.
// Run: npx tsx bench/table.ts
import { writePage } from "./page-file.ts";

await writePage();
