// Opens an engine on the requested device. Every device except the processor must first show that it is present and
// computes correctly. A device that fails is refused, never silently replaced.
import { closing, type Warning } from "@blip-ts/base";
import type { EmitOptions } from "@blip-ts/graph";
import type { Device, EngineOptions, NetworkDType, PlatformDevice, EnginePlatform } from "./device.ts";
import type { Engine, RunOptions } from "./engine.ts";
import { selfTest, type SelfTestFailure } from "./self-test.ts";
import { deviceChosen, deviceUnavailable, plainOperators } from "./errors.ts";

export interface OpenEngine {
  readonly engine: Engine;
  readonly device: Device;
  /** Options for lowering graphs for the device. */
  readonly emit: EmitOptions;
}

type Options = EngineOptions & RunOptions & { readonly onWarning: (warning: Warning) => void };

/** The result of a self-test. */
type Verdict = { readonly emit: EmitOptions; readonly warning?: Warning } | { readonly reason: string };

/** Devices that have passed, by device and type. A process tests each only once. */
const passed = new WeakMap<EnginePlatform, Map<string, Verdict>>();

/**
 * The first relevant line of an ONNX Runtime message. Messages start with a source location or the failed operator, and
 * have several lines.
 */
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

/** The reason why a device fails for a type, with advice. */
function reasonOf({ kind, what }: SelfTestFailure, dtype: NetworkDType, hint: string | undefined): string {
  const found = plainReason(what);
  const choose = dtype === "fp16" ? 'choose dtype: "fp32" or another device' : "choose another device";
  // WebGPU's feature is called shader-f16; the first shader that needs it fails with this text.
  if (/\brequires f16\b/.test(found))
    return `fp16 is requested, but the graphics card or its driver has no half floats (shader-f16); ${choose}`;
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
  // ONNX Runtime would silently compute these products on the processor.
  if (dtype === "int8")
    return {
      reason:
        "int8 is requested, but ONNX Runtime has no kernel for 8-bit products there; choose fp32 or fp16",
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

/** Runs the self-test on an engine. */
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
  // ONNX Runtime's fused operators have separate kernels for each kind of GPU; its plain operators are the same for
  // all.
  const emit = { ...own, standardOperators: true };
  if (await selfTest(engine, type, emit, { signal })) return { reason };
  return { emit, warning: plainOperators(device, fused.what) };
}

const processor: PlatformDevice = { device: "cpu" };

/**
 * Opens an engine on the requested device.
 * @param dtype the network's element type; the device is tested with it
 * @throws {ModelError} `model/device` if the device is missing or computes wrong results; the error lists the present
 * devices
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
