// Devices and the options of an engine.
import { optionNames } from "@blip-ts/base";
import type { Engine } from "./engine.ts";
import type { EmitOptions } from "@blip-ts/graph";

/** The element type in which a network computes. */
export type NetworkDType = "fp32" | "fp16" | "int8";

/** A device, by the name of ONNX Runtime's execution provider. */
export type Device = "cpu" | "webgpu" | "cuda" | "coreml" | "dml";

/** The options of an engine. */
export interface EngineOptions {
  /** The engine's threads. Default: one per core. */
  readonly threads?: number | undefined;
  /**
   * The device. Default: `cpu`. `auto` selects the best device that is present and passes its self-test. A named device
   * that is not present is refused.
   */
  readonly device?: Device | "auto" | undefined;
  /**
   * The file for ONNX Runtime's trace (the format of chrome://tracing), written when the model is closed. Default: no
   * trace.
   */
  readonly profile?: string | undefined;
  /** Called after the trace is written. */
  readonly onProfile?: ((profile: Profile) => void) | undefined;
}

export const engineOptionNames = optionNames<EngineOptions>()({
  threads: true,
  device: true,
  profile: true,
  onProfile: true,
});

/** The time of an operator, summed over all calls of all sessions. */
export interface ProfiledOperator {
  /** The operator's name in ONNX. */
  readonly operator: string;
  /** The provider that ran it, by ONNX Runtime's name: "CPU", "WebGpu", ... */
  readonly provider: string;
  /** The number of runs. */
  readonly calls: number;
  /** The total time in milliseconds. */
  readonly milliseconds: number;
}

/** The summary of a trace. */
export interface Profile {
  /** The path of the trace, for chrome://tracing. */
  readonly file: string;
  /** The names of the graphs that ran. */
  readonly sessions: readonly string[];
  /** The operators, slowest first. */
  readonly operators: readonly ProfiledOperator[];
}

/** A device as a platform describes it before it is tried. */
export interface PlatformDevice {
  /** The device. */
  readonly device: Device;
  /** The reason why this platform cannot have the device. */
  readonly absent?: string | undefined;
  /** Checks the device's requirements. Returns the missing one, if that is known before a trial. */
  readonly missing?: (() => string | undefined) | undefined;
  /** Advice if the device cannot be used. */
  readonly hint?: string | undefined;
  /** Options for lowering graphs, according to the operators that the device lacks. */
  readonly emit?: EmitOptions | undefined;
}

/** A source of engines: a platform's devices, and a function that starts an engine on one of them. */
export interface EnginePlatform {
  /** The devices, fastest first. */
  readonly devices: readonly PlatformDevice[];
  /** Makes an engine on one device. If the device is missing, only the first session fails. */
  createEngine(options: EngineOptions & { readonly device: Device }): Engine;
}
