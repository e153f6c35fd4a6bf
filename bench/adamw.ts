// Compares the kernel's update with torch.optim.AdamW (fused) and clip_grad_norm_, on the same numbers, in turn.
//
//   npx tsx bench/adamw.ts [--millions 4] [--steps 10] [--python P]
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { TrainingMemory } from "../packages/engine/src/training/training-memory.ts";

const { values } = parseArgs({
  options: {
    millions: { type: "string", default: "4" },
    steps: { type: "string", default: "10" },
    threads: { type: "string", default: "1" },
    python: { type: "string", default: process.env.BLIP_BENCH_PYTHON ?? "python3" },
  },
});
const length = Number(values.millions) * 2 ** 20;
const [lr, decay, clip] = [1e-4, 0.05, 1];

const theirs = `
import json, sys, time, torch
torch.set_num_threads(${values.threads})
torch.manual_seed(0)
p = torch.nn.Parameter((torch.arange(${length}) % 1000).float() / 1e4)
grad = ((torch.arange(${length}) * 7 % 1000).float() - 500) / 1e5
p.grad = grad.clone()
optimizer = torch.optim.AdamW([p], lr=${lr}, weight_decay=${decay}, fused=True)
print("ready", flush=True)
for _ in sys.stdin:
    p.grad.copy_(grad)
    begin, before = time.perf_counter(), time.process_time()
    torch.nn.utils.clip_grad_norm_([p], ${clip})
    optimizer.step()
    took, cpu = (time.perf_counter() - begin) * 1000, (time.process_time() - before) * 1000
    print(json.dumps([took, cpu, p.detach()[::997].double().sum().item()]), flush=True)
`;

const memory = new TrainingMemory([{ name: "p", dims: [length], role: { kind: "trained", group: 0 } }]);
const [weights, gradients] = [memory.view("p", "weight"), memory.view("p", "gradient")];
for (let index = 0; index < length; index++) {
  weights[index] = (index % 1000) / 1e4;
  gradients[index] = (((index * 7) % 1000) - 500) / 1e5;
}

/** Wall-clock milliseconds, processor milliseconds, and a sum of weights. */
type Update = readonly [took: number, cpu: number, sum: number];

function update(step: number): Update {
  const [begin, before] = [performance.now(), process.cpuUsage()];
  const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
  memory.update({ ...adam, step, groups: [{ lr, decay }], clip, from: "gradient" });
  const took = performance.now() - begin;
  const { user, system } = process.cpuUsage(before);
  let sum = 0;
  for (let index = 0; index < length; index += 997) sum += weights[index] ?? NaN;
  return [took, (user + system) / 1000, sum];
}

const child = spawn(values.python, ["-c", theirs], { stdio: ["pipe", "pipe", "inherit"] });
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
await lines.next();
const [own, other]: [Update[], Update[]] = [[], []];
for (let step = 1; step <= Number(values.steps); step++) {
  const mine = update(step);
  child.stdin.write("\n");
  const reply = await lines.next();
  if (reply.done === true) throw new Error("PyTorch ended");
  const found = JSON.parse(reply.value) as Update;
  if (Math.abs(mine[2] / found[2] - 1) > 1e-5)
    throw new Error(`step ${step}: expected ${found[2]}, got ${mine[2]}`);
  if (step === 1) continue;
  own.push(mine);
  other.push(found);
}
child.stdin.end();
const median = (list: readonly Update[], of: 0 | 1) =>
  list.map((one) => one[of]).sort((a, b) => a - b)[list.length >> 1] ?? NaN;
const line = (name: string, list: readonly Update[]) =>
  `${name} ${median(list, 0).toFixed(1)} ms (${median(list, 1).toFixed(1)} ms of the processor)`;
console.log(
  `AdamW and clip, ${values.millions} M: ${line("kernel", own)}, ${line("torch fused", other)}, ${values.threads} thread(s); ` +
    `ratio of medians ${(median(own, 0) / median(other, 0)).toFixed(2)}, of the processor's time ${(median(own, 1) / median(other, 1)).toFixed(2)}`,
);
