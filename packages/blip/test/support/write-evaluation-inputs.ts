// Prints the input of oracle/legacy/evaluation_goldens.py: the rows of each evaluation case.
// npx tsx --tsconfig tsconfig.scripts.json packages/blip/test/support/write-evaluation-inputs.ts > inputs.json
import { evaluationCases, modelOf, readCase, removeCases } from "./evaluation-cases.ts";
import { fixture } from "./goldens.ts";

const cases = [];
for (const one of evaluationCases) {
  const { rows } = await readCase(one);
  const { k, answers } = one.options ?? {};
  cases.push({
    name: one.name,
    task: one.task,
    model: modelOf(one).slice(fixture("tiny/").length),
    k,
    answers,
    rows,
  });
}
await removeCases();
console.log(JSON.stringify(cases));
