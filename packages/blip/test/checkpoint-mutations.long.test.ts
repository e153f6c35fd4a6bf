import { mutationTests } from "./support/checkpoint-mutations.ts";

mutationTests(1_000_000, 7_200_000);
