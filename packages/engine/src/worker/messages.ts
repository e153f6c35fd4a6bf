// The messages between sessions and their worker thread.
import type { PlainError } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { EngineModel, Feeds, ResidentTensor } from "../engine.ts";

export type WorkerRequest = { readonly id: number; readonly session: number } & (
  | {
      readonly kind: "create";
      readonly model: EngineModel;
      readonly threads: number | undefined;
      /** ONNX Runtime's session configuration entries. */
      readonly sessionConfig: Readonly<Record<string, string>>;
      /** Outputs that stay where they are computed. */
      readonly retain: readonly string[];
      /** The path prefix of ONNX Runtime's trace of this session. Without it, there is no trace. */
      readonly profilePrefix?: string | undefined;
    }
  | { readonly kind: "run"; readonly feeds: Feeds; readonly retain: readonly string[] }
  | { readonly kind: "free"; readonly tensors: readonly number[] }
  | { readonly kind: "release" }
);

export interface WorkerOutputs {
  readonly tensors: Record<string, Tensor>;
  readonly retained: Record<string, ResidentTensor>;
}

export interface WorkerReply {
  readonly id: number;
  readonly outputs?: WorkerOutputs | undefined;
  readonly error?: string;
  /** The error, if it is one of this package's. */
  readonly known?: PlainError | undefined;
}
