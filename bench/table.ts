// Writes docs/benchmarks.md anew from bench/results/benchmark.json, as bench/peers.ts does when it is done.
// Run: npx tsx bench/table.ts
import { writePage } from "./page-file.ts";

await writePage();
