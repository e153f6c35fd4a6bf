// The gate, `npm run check`. Types and lint use one core; the other steps and the tests run beside them, and use both
// cores once those finish. Prints each step's time, and its output if it fails.
import { spawn } from "node:child_process";

const cache = "node_modules/.cache";

/** Lanes run side by side; the steps of a lane run one after another. Steps that take seconds come before the tests. */
const lanes = [
  [
    ["types", "tsc --build"],
    ["lint", `eslint --max-warnings 0 --cache --cache-strategy content --cache-location ${cache}/eslint/ .`],
  ],
  [
    ["house", "node scripts/house.mjs"],
    ["arrows", "depcruise packages train --config .dependency-cruiser.mjs"],
    [
      "format",
      `prettier --check --cache --cache-strategy content --cache-location ${cache}/prettier/.prettier-cache .`,
    ],
    ["build", "node scripts/build-if-changed.mjs"],
    ["package", "publint packages/blip --strict && attw --pack packages/blip --profile esm-only"],
    ["tests", "vitest run"],
  ],
];

/** @returns {Promise<boolean>} whether it passed */
function run([name, command]) {
  const from = performance.now();
  const child = spawn(command, { shell: true, stdio: ["ignore", "pipe", "pipe"] });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => printed.push(bytes));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const seconds = ((performance.now() - from) / 1000).toFixed(1);
      console.log(`${code === 0 ? "passed" : "FAILED"} ${name} (${seconds} s)`);
      // The tests' summary lists the slow tests.
      if (code !== 0 || name === "tests") process.stdout.write(Buffer.concat(printed));
      resolve(code === 0);
    });
  });
}

async function lane(steps) {
  const passed = [];
  for (const step of steps) passed.push(await run(step));
  return passed;
}

const from = performance.now();
const passed = (await Promise.all(lanes.map(lane))).flat();
const failed = passed.filter((step) => !step).length;
const seconds = ((performance.now() - from) / 1000).toFixed(0);
console.log(failed === 0 ? `All passed in ${seconds} s.` : `${failed} failed, in ${seconds} s.`);
process.exit(failed === 0 ? 0 : 1);
