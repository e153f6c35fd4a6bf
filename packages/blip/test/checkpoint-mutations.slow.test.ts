import { mutationTests } from "./support/checkpoint-mutations.ts";

mutationTests(10_000, 120_000);
