import { fuzzTests } from "./fuzz.ts";

fuzzTests(20_000, 7_200_000);
