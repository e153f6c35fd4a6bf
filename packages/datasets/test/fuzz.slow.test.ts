import { fuzzTests } from "./fuzz.ts";

fuzzTests(300, 300_000);
