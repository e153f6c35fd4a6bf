// The engine on the device that was asked for. Every device but the processor shows first that it is there and computes
// what it should; one that does not is refused, never silently replaced.
import { closing, type Warning } from "@blip-ts/base";
import type { EmitOptions } from "@blip-ts/graph";
import type { Device, EngineOptions, NetworkDType, PlatformDevice, EnginePlatform } from "./device.ts";
import type { Engine, RunOptions } from "./engine.ts";
import { selfTest, type SelfTestFailure } from "./self-test.ts";
import { deviceChosen, deviceUnavailable, plainOperators } from "./errors.ts";

export interface OpenEngine {
  readonly engine: Engine;
  readonly device: Device;
  /** How graphs are lowered for it. */
  readonly emit: EmitOptions;
}

type Options = EngineOptions & RunOptions & { readonly onWarning: (warning: Warning) => void };

/** What a self-test found. */
type Verdict = { readonly emit: EmitOptions; readonly warning?: Warning } | { readonly reason: string };

/** Devices that have passed, by device and type: a process tests each once. */
const passed = new WeakMap<EnginePlatform, Map<string, Verdict>>();

/** ONNX Runtime's messages begin with a place in its sources, or with the operator that failed, and go on over lines. */
export function plainReason(message: string): string {
  const [line = message] = message
    .replace(/^.*\bwas false\. /s, "")
    .replace(/^.*\bStatus Message: /s, "")
    .replace(/^\S+\.cc:\d+ \w+ /, "")
    .replace(/^OrtSessionOptionsAppendExecutionProvider\w*: /, "")
    .split("\n");
  return line.trim().replace(/\.$/, "");
}

const withHint = (reason: string, hint: string | undefined): string =>
  hint === undefined ? reason : `${reason}. ${hint}`;

/** What keeps a device from a type, and what to do. */
function reasonOf({ kind, what }: SelfTestFailure, dtype: NetworkDType, hint: string | undefined): string {
  const found = plainReason(what);
  const choose = dtype === "fp16" ? 'choose dtype: "fp32" or another device' : "choose another device";
  // WebGPU's feature is called shader-f16; the first shader that wants it says so.
  if (/\brequires f16\b/.test(found))
    return `fp16 was asked for, and the graphics card or its driver has no half floats (shader-f16); ${choose}`;
  if (kind === "wrong") return `${found}; ${choose}, or try a newer driver`;
  return withHint(found, hint);
}

async function examine(
  platform: EnginePlatform,
  { device, absent, missing, hint, emit: own = {} }: PlatformDevice,
  dtype: NetworkDType,
  { threads, signal }: Options,
): Promise<Verdict> {
  if (absent !== undefined) return { reason: absent };
  // Its products would silently be left to the processor.
  if (dtype === "int8")
    return {
      reason:
        "int8 was asked for, and ONNX Runtime has no kernel for products of 8 bits there; choose fp32 or fp16",
    };
  const known = passed.get(platform) ?? new Map<string, Verdict>();
  passed.set(platform, known);
  const key = `${device} ${dtype}`;
  const before = known.get(key);
  if (before) return before;
  const lacking = missing?.();
  if (lacking !== undefined) return { reason: withHint(lacking, hint) };
  const verdict = await closing(platform.createEngine({ device, threads }), (engine) =>
    tried(engine, { device, hint, emit: own }, dtype, signal),
  );
  if ("emit" in verdict) known.set(key, verdict);
  return verdict;
}

/** What the self-test says of an engine. */
async function tried(
  engine: Engine,
  { device, hint, emit: own = {} }: PlatformDevice,
  dtype: NetworkDType,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const type = dtype === "fp16" ? "float16" : "float32";
  const fused = await selfTest(engine, type, own, { signal });
  if (fused === undefined) return { emit: own };
  const reason = reasonOf(fused, dtype, hint);
  if (fused.kind === "failed") return { reason };
  // ONNX Runtime's fused operators have kernels of their own for each kind of GPU; its plain ones are the same for all.
  const emit = { ...own, standardOperators: true };
  if (await selfTest(engine, type, emit, { signal })) return { reason };
  return { emit, warning: plainOperators(device, fused.what) };
}

const processor: PlatformDevice = { device: "cpu" };

/**
 * @param dtype the type in which the network computes; a device is tested in it
 * @throws {ModelError} `model/device` where the device is not there or computes wrongly, with those that are present
 */
export async function openEngine(
  platform: EnginePlatform,
  dtype: NetworkDType,
  options: Options,
): Promise<OpenEngine> {
  const { device = "cpu", onWarning } = options;
  const open = (chosen: Device, verdict: Extract<Verdict, { emit: unknown }>): OpenEngine => {
    if (verdict.warning) onWarning(verdict.warning);
    return {
      engine: platform.createEngine({ ...options, device: chosen }),
      device: chosen,
      emit: verdict.emit,
    };
  };
  if (device === "cpu") return open("cpu", { emit: {} });
  const others = platform.devices.filter((candidate) => candidate.device !== "cpu");
  if (device === "auto") {
    const refused: string[] = [];
    for (const candidate of others.filter(({ absent }) => absent === undefined)) {
      const verdict = await examine(platform, candidate, dtype, options);
      if ("emit" in verdict) {
        onWarning(deviceChosen(candidate.device, []));
        return open(candidate.device, verdict);
      }
      refused.push(`${candidate.device}: ${verdict.reason}`);
    }
    onWarning(deviceChosen("cpu", refused));
    return open("cpu", { emit: {} });
  }
  const asked = others.find((candidate) => candidate.device === device);
  const verdict = asked
    ? await examine(platform, asked, dtype, options)
    : { reason: "this platform does not have it" };
  if ("emit" in verdict) return open(device, verdict);
  const present: string[] = [];
  for (const candidate of [...others.filter((other) => other !== asked), processor])
    if (candidate === processor || "emit" in (await examine(platform, candidate, dtype, options)))
      present.push(candidate.device);
  throw deviceUnavailable(device, dtype, verdict.reason, present);
}
