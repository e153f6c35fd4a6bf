// Training steps of a tiny captioner beside PyTorch's (oracle/train/step_goldens.py).
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensorBytes } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { captioner, rowsOfBatch, type Captioner, type Captions } from "../../../test/support/captioner.ts";
import { nodeTraining } from "../../platform/node/training-platform.ts";
import { createTrainer, type Trainer, type TrainerOptions } from "./trainer.ts";

let tiny: Captioner;
let folder = "";
beforeAll(async () => {
  tiny = await captioner();
  folder = await mkdtemp(join(tmpdir(), "trainer-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const some = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("nothing there");
  return value;
};

type Options = Partial<TrainerOptions<Captions>>;

function open(options: Options = {}, of: Captioner = tiny): Promise<Trainer<Captions>> {
  const { lr, decay, clip, momentum } = of.facts.settings;
  return createTrainer(nodeTraining, {
    objective: of.objective,
    weights: of.weights,
    optimizer: { schedule: { kind: "constant", lr }, decay, clip, momentum },
    stepsPerEpoch: 3,
    threads: 1,
    ...options,
  });
}

const batchOf = (step: number) => some(tiny.batches[step % tiny.batches.length]);

async function weightsOf(trainer: Trainer<Captions>): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const [name, tensor] of trainer.weights()) {
    const pieces: Uint8Array[] = [];
    for await (const piece of tensor.bytes()) pieces.push(piece);
    found.set(
      name,
      new Float32Array(Buffer.concat(pieces).buffer.slice(0) as ArrayBuffer, 0, tensor.byteLength / 4),
    );
  }
  return found;
}

/** Relative L2 difference of all weights that `takes` takes. */
function difference(
  found: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, Float32Array>,
  takes: (name: string) => boolean = () => true,
) {
  let [squares, whole] = [0, 0];
  for (const [name, values] of expected) {
    if (!takes(name)) continue;
    const own = some(found.get(name));
    expect(own, name).toHaveLength(values.length);
    values.forEach((value, index) => {
      squares += ((own[index] ?? NaN) - value) ** 2;
      whole += value ** 2;
    });
  }
  return Math.sqrt(squares / whole);
}

/** What a bias of keys adds is the same for all keys: its true gradient is 0, and AdamW moves it by the sign of noise. */
const isKeyBias = (name: string) => name.endsWith(".key.bias");

test("20 steps, with clipping and decay, have PyTorch's losses, norms and weights", async () => {
  await using trainer = await open();
  for (const [step, loss] of tiny.facts.losses.entries()) {
    const found = await trainer.step(batchOf(step));
    expect(Math.abs(found.loss / loss - 1), `step ${step}`).toBeLessThan(1e-5);
    expect(Math.abs(found.norm / some(tiny.facts.norms[step]) - 1), `step ${step}`).toBeLessThan(1e-4);
    expect(found).toMatchObject({ step, lr: 1e-3 });
    if (step !== 0 && step !== 9) continue;
    const golden = await tiny.golden(`step ${step + 1}`);
    expect(golden.size).toBe(trainer.plan.parameters.length);
    const off = difference(await weightsOf(trainer), golden, (name) => !isKeyBias(name));
    expect(off).toBeLessThan(step === 0 ? 1e-5 : 1e-4);
  }
  expect(tiny.facts.norms.some((norm) => norm > tiny.facts.settings.clip)).toBe(true);
  expect(trainer.steps).toBe(20);
  expect(trainer.handOver).toBe("sequence");
});
