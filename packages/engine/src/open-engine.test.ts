// The choice of a device: refusals, the automatic choice, and the fallback from fused to plain operators.
import { closedBy, type Warning } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import type { Device, NetworkDType, PlatformDevice, EnginePlatform } from "./device.ts";
import { nodeDevices } from "./node/devices.ts";
import { createNodeEngine } from "./node/node-engine.ts";
import type { Engine, EngineModel, EngineSession } from "./engine.ts";
import { expectedStates, selfTest } from "./self-test.ts";
import { openEngine, plainReason } from "./open-engine.ts";

type Compute = (x: Tensor<"float32">, fused: boolean) => Tensor<"float32">;

const right: Compute = () => expectedStates();
const changed =
  (change: (value: number, index: number) => number): Compute =>
  (x) => {
    const y = right(x, true);
    return { ...y, data: y.data.map(change) };
  };

/** An engine that answers the self-test with `compute`. */
function engineOf(compute: Compute): Engine {
  return {
    createSession({ onnx }: EngineModel): Promise<EngineSession> {
      const fused = Buffer.from(onnx).includes("MultiHeadAttention");
      const session: EngineSession = {
        run: ({ x }) => {
          if (!x || "resident" in x || x.dtype !== "float32") throw new Error("no x");
          return Promise.resolve({ y: compute(x, fused) });
        },
        runRetaining: () => Promise.reject(new Error("nothing is kept")),
        release: () => undefined,
        ...closedBy(() => Promise.resolve()),
      };
      return Promise.resolve(session);
    },
    ...closedBy(() => Promise.resolve()),
  };
}

function platformOf(devices: Partial<Record<Device, Compute>>, more: readonly PlatformDevice[] = []) {
  const made: Device[] = [];
  const platform: EnginePlatform = {
    devices: [
      ...more,
      ...(Object.keys(devices) as Device[]).map((device) => ({ device, hint: `plug in ${device}` })),
      { device: "cpu" },
    ],
    createEngine: ({ device }) => {
      made.push(device);
      return engineOf(devices[device] ?? right);
    },
  };
  return { platform, made };
}

async function open(platform: EnginePlatform, device: Device | "auto", dtype: NetworkDType = "fp32") {
  const warnings: Warning[] = [];
  const opened = await openEngine(platform, dtype, { device, onWarning: (one) => warnings.push(one) });
  return { ...opened, warnings };
}

const noAdapter: Compute = () => {
  throw new Error(
    "/src/webgpu_context.cc:136 Initialize() status was false. Failed to get an adapter: None\n\n",
  );
};

const noHalves: Compute = () => {
  throw new Error(
    "Non-zero status code returned while running Cast node. Name:'cast#27' Status Message: shader_helper.cc:416 " +
      "GenerateSourceCode Program Cast requires f16 but the device does not support it.",
  );
};

describe("a requested device", () => {
  test("is opened if it agrees with the reference; the processor is not tested", async () => {
    const { platform, made } = platformOf({ webgpu: right });
    expect(await open(platform, "webgpu")).toMatchObject({ device: "webgpu", emit: {}, warnings: [] });
    expect(await open(platform, "cpu")).toMatchObject({ device: "cpu", emit: {} });
    // The self-test runs once per process and type; the second model only opens its engine.
    await open(platform, "webgpu");
    expect(made).toEqual(["webgpu", "webgpu", "cpu", "webgpu"]);
  });

  test("is rejected with the reason, the remedy, and the present devices", async () => {
    const { platform } = platformOf({ webgpu: noAdapter, cuda: right });
    await expect(open(platform, "webgpu")).rejects.toMatchObject({
      name: "ModelError",
      code: "model/device",
      message:
        "device webgpu cannot be used: Failed to get an adapter: None. plug in webgpu. Present here: cuda, cpu.",
      fields: { device: "webgpu", present: ["cuda", "cpu"] },
    });
  });

  test.each<[string, Compute, RegExp]>([
    ["garbage", changed((value, index) => (index === 4000 ? value + 0.5 : value)), /off by 0\.5/],
    ["what is not a number", changed((value, index) => (index === 7 ? NaN : value)), /were not numbers/],
    ["zeros", changed(() => 0), /off by/],
  ])("is refused where it gives %s", async (_what, compute, message) => {
    const { platform } = platformOf({ webgpu: compute });
    await expect(open(platform, "webgpu")).rejects.toThrow(message);
    await expect(open(platform, "webgpu", "fp16")).rejects.toThrow(/float16 is computed wrongly/);
  });

  test("may round like halves in float16, but not in float32", async () => {
    const { platform } = platformOf({ webgpu: changed((value) => value * (1 + 2 ** -8)) });
    expect(await open(platform, "webgpu", "fp16")).toMatchObject({ device: "webgpu" });
    await expect(open(platform, "webgpu")).rejects.toMatchObject({ code: "model/device" });
  });

  test("whose fused operators are wrong gets plain ones, with a warning", async () => {
    const wrong = changed((value) => value * 1.1);
    const { platform } = platformOf({ webgpu: (x, fused) => (fused ? wrong : right)(x, fused) });
    // The second time, the result comes from memory.
    for (const time of ["first", "second"])
      expect(await open(platform, "webgpu"), time).toMatchObject({
        emit: { standardOperators: true },
        warnings: [{ code: "engine/plain-operators" }],
      });
  });

  test("is rejected for 8-bit products, which it would silently leave to the processor", async () => {
    const { platform } = platformOf({ webgpu: right });
    await expect(open(platform, "webgpu", "int8")).rejects.toMatchObject({
      message: expect.stringMatching(/no kernel for 8-bit products.*Present here for int8: cpu\./) as string,
    });
    expect(await open(platform, "auto", "int8")).toMatchObject({ device: "cpu" });
    expect(await open(platform, "cpu", "int8")).toMatchObject({ device: "cpu" });
  });

  test("is rejected for half floats that it lacks, with the request and the alternatives", async () => {
    const { platform } = platformOf({ webgpu: noHalves });
    const refused = await failureOf(() => open(platform, "webgpu", "fp16"));
    expect(refused.message).toBe(
      "device webgpu cannot be used: fp16 is requested, but the graphics card or its driver has no half floats " +
        '(shader-f16); choose dtype: "fp32" or another device. Present here for fp16: cpu.',
    );
    // With `auto`, the warning says the same.
    const { device, warnings } = await open(platform, "auto", "fp16");
    expect(device).toBe("cpu");
    expect(warnings[0]?.message).toMatch(
      /^device auto: cpu computes; webgpu: fp16 is requested, .*dtype: "fp32"/,
    );
  });

  test("that computes wrongly does not name a package to install", async () => {
    const { platform } = platformOf({ webgpu: changed(() => 0) });
    const [whole, half] = [
      await failureOf(() => open(platform, "webgpu")),
      await failureOf(() => open(platform, "webgpu", "fp16")),
    ];
    expect(whole.message).toMatch(
      /float32 is computed wrongly: .*; choose another device, or try a newer driver\./,
    );
    expect(half.message).toMatch(/float16 is computed wrongly: .*; choose dtype: "fp32" or another device/);
    for (const { message } of [whole, half]) expect(message).not.toMatch(/plug in/);
  });

  test("with a missing part is rejected before it is tried, with the remedy", async () => {
    const webgpu = { device: "webgpu", missing: () => "no loader", hint: "install one" } as const;
    const { platform, made } = platformOf({}, [webgpu]);
    const refused = await failureOf(() => open(platform, "webgpu"));
    expect(refused.message).toBe("device webgpu cannot be used: no loader. install one. Present here: cpu.");
    const { warnings } = await open(platform, "auto");
    expect(warnings[0]?.message).toBe("device auto: cpu computes; webgpu: no loader. install one");
    expect(made).toEqual(["cpu"]);
  });

  test("that this platform cannot have is rejected without being tried", async () => {
    const { platform, made } = platformOf({}, nodeDevices("linux", "x64"));
    for (const device of ["dml", "coreml"] as const)
      await expect(open(platform, device)).rejects.toThrow(/and this is linux\/x64\. Present here: /);
    await expect(open({ ...platform, devices: [] }, "cuda")).rejects.toThrow(/does not have it/);
    expect(made).not.toContain("dml");
    expect(nodeDevices("win32", "x64").find(({ device }) => device === "dml")?.absent).toBeUndefined();
    expect(nodeDevices("darwin", "arm64").find(({ device }) => device === "cuda")?.absent).toMatch(/darwin/);
  });
});

describe("auto", () => {
  test("selects the best device that passes, and names it", async () => {
    const { platform } = platformOf({ cuda: noAdapter, webgpu: right });
    const { device, warnings } = await open(platform, "auto");
    expect(device).toBe("webgpu");
    expect(warnings).toEqual([{ code: "engine/device", message: "device auto: webgpu computes" }]);
  });

  test("selects the processor if no other device passes, and says why", async () => {
    const { platform } = platformOf({ webgpu: noAdapter });
    const { device, warnings } = await open(platform, "auto");
    expect(device).toBe("cpu");
    expect(warnings[0]?.message).toMatch(/^device auto: cpu computes; webgpu: Failed to get an adapter/);
  });

  test("does not mention devices of other systems", async () => {
    const { platform } = platformOf({}, nodeDevices("linux", "arm64"));
    const { device, warnings } = await open({ ...platform, createEngine: () => engineOf(noAdapter) }, "auto");
    expect(device).toBe("cpu");
    expect(warnings[0]?.message).toMatch(/; webgpu: /);
    expect(warnings[0]?.message).not.toMatch(/dml|coreml|cuda/);
  });
});

test("the processor passes the self-test in both types, fused and plain", async () => {
  await using engine = createNodeEngine({ device: "cpu" });
  expect(await selfTest(engine, "float32", {})).toBeUndefined();
  expect(await selfTest(engine, "float16", {})).toBeUndefined();
  for (const dtype of ["float32", "float16"] as const)
    expect(await selfTest(engine, dtype, { standardOperators: true, plainLogSoftmax: true })).toBeUndefined();
});

test("ONNX Runtime's messages are shown without its source locations", () => {
  expect(plainReason("/a/b.cc:1 f()::<lambda()> x == y was false. No adapter: none.\n\n")).toBe(
    "No adapter: none",
  );
  expect(plainReason("running X node. Name:'x' Status Message: a.cc:4 Run Program X is too large.")).toBe(
    "Program X is too large",
  );
  expect(plainReason("OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library")).toBe(
    "Failed to load shared library",
  );
  expect(plainReason("plain")).toBe("plain");
});
