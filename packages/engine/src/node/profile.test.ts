// Traces of a real engine, of several sessions on one clock, and their summary.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emitOnnx, floatTensor, GraphBuilder } from "@blip-ts/graph";
import { afterAll, expect, test } from "vitest";
import type { Profile } from "../device.ts";
import { createNodeEngine } from "./node-engine.ts";
import { mergeTraces, summarize } from "./profile.ts";

const folder = await mkdtemp(join(tmpdir(), "blip-profile-test-"));
afterAll(() => rm(folder, { recursive: true }));

function doubled() {
  const b = GraphBuilder.create("doubled");
  const x = b.input("x", "float32", [2]);
  b.output("y", b.add(x, x));
  const onnx = emitOnnx(b.build(), () => {
    throw new Error("no weights");
  });
  return { onnx, external: [] };
}

test("an engine writes a trace of its sessions; a second one writes beside the first", async () => {
  const file = join(folder, "trace.json");
  const profiles: Profile[] = [];
  for (const runs of [2, 1]) {
    await using engine = createNodeEngine({ profile: file, onProfile: (profile) => profiles.push(profile) });
    const session = await engine.createSession(doubled(), { name: "doubled" });
    for (let run = 0; run < runs; run++) await session.run({ x: floatTensor([2], [1, 2]) });
  }
  expect(profiles.map((profile) => profile.file)).toEqual([file, join(folder, "trace.2.json")]);
  expect(profiles[0]).toMatchObject({
    sessions: ["doubled"],
    operators: [{ operator: "Add", provider: "CPU", calls: 2 }],
  });
  const events = JSON.parse(await readFile(file, "utf8")) as { name: string; args?: { name?: string } }[];
  expect(events[0]).toMatchObject({ name: "process_name", args: { name: "doubled" } });
  expect(events.filter(({ name }) => name === "model_run")).toHaveLength(2);
  expect(await readdir(folder)).toHaveLength(2);
});

test("a file that cannot be written is rejected before anything is loaded", () => {
  expect(() => createNodeEngine({ profile: join(folder, "no", "trace.json") })).toThrow(
    expect.objectContaining({ name: "UsageError", code: "usage/profile" }) as Error,
  );
});

const node = (name: string, op_name: string, provider: string, dur: number, ts = 0) => ({
  ...{ cat: "Node", name: `${name}_kernel_time`, ph: "X", dur, ts },
  args: { op_name, provider: `${provider}ExecutionProvider` },
});

test("sessions keep their times to each other", () => {
  const events = mergeTraces([
    { session: "a", begun: 1000, events: [node("x", "Add", "CPU", 5, 10)] },
    { session: "b", begun: 1003, events: [node("y", "Add", "CPU", 5, 10)] },
  ]);
  expect(events.map(({ pid, ts }) => [pid, ts])).toEqual([
    [1, undefined],
    [1, 10],
    [2, undefined],
    [2, 3010],
  ]);
});

test("a device's own times count if it reports them, apart from work that stayed on the processor", () => {
  const events = [
    node("a", "Gemm", "WebGpu", 50),
    node("b", "Gemm", "WebGpu", 70),
    node("c", "Concat", "CPU", 30),
    { cat: "Api", name: "a&Gemm&MatMul", ph: "X", dur: 4000 },
    { cat: "Api", name: "b&Gemm&MatMul", ph: "X", dur: 2000 },
    { cat: "Session", name: "model_run", ph: "X", dur: 9000 },
  ];
  expect(summarize([{ session: "s", begun: 0, events }])).toEqual([
    { operator: "Gemm", provider: "WebGpu", calls: 2, milliseconds: 6 },
    { operator: "Concat", provider: "CPU", calls: 1, milliseconds: 0.03 },
  ]);
});
