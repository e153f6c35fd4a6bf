// Devices, and what an engine on one is told.
import type { Engine } from "./engine.ts";
import type { EmitOptions } from "@blip-ts/graph";

/** The type in which a network computes. */
export type NetworkDType = "fp32" | "fp16" | "int8";

/** What computes, by the names of ONNX Runtime's execution providers. */
export type Device = "cpu" | "webgpu" | "cuda" | "coreml" | "dml";

/** On what the engine computes, and how. */
export interface EngineOptions {
  /** Threads of the engine. Default: one per core. */
  readonly threads?: number | undefined;
  /**
   * What computes: `cpu` unless told. `auto` is the best device that is present and passes its self-test. One that is
   * not present is refused.
   */
  readonly device?: Device | "auto" | undefined;
  /** Where ONNX Runtime's trace of what ran is written (the format of chrome://tracing) when the model is closed. */
  readonly profile?: string | undefined;
  /** Called when the trace is written. */
  readonly onProfile?: ((profile: Profile) => void) | undefined;
}

/** How long an operator took, over all calls of all sessions. */
export interface ProfiledOperator {
  /** The operator's name in ONNX. */
  readonly operator: string;
  /** What it ran on, by ONNX Runtime's name: "CPU", "WebGpu", ... */
  readonly provider: string;
  /** How often it ran. */
  readonly calls: number;
  /** Milliseconds in all. */
  readonly milliseconds: number;
}

/** What a trace says in short. */
export interface Profile {
  /** The trace, which chrome://tracing opens. */
  readonly file: string;
  /** Names of the graphs that ran. */
  readonly sessions: readonly string[];
  /** By time, the longest first. */
  readonly operators: readonly ProfiledOperator[];
}

/** A device as a platform knows it before it is tried. */
export interface PlatformDevice {
  /** The device. */
  readonly device: Device;
  /** Why it cannot be on this platform. */
  readonly absent?: string | undefined;
  /** Looks for what it needs: what is missing, where that can be told before it is tried. */
  readonly missing?: (() => string | undefined) | undefined;
  /** What to do where it cannot be used. */
  readonly hint?: string | undefined;
  /** How graphs are lowered for it: what it lacks. */
  readonly emit?: EmitOptions | undefined;
}

/** Where engines come from: the devices of a platform, and how it starts an engine on one of them. */
export interface EnginePlatform {
  /** From the best to the slowest. */
  readonly devices: readonly PlatformDevice[];
  /** An engine on one device; that the device is there shows when its first session is made. */
  createEngine(options: EngineOptions & { readonly device: Device }): Engine;
}
