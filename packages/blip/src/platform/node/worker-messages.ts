// What a session and its worker thread say to each other.
import type { Tensor } from "@blip-ts/graph";
import type { EngineModel } from "../../runtime/runtime.ts";

export type WorkerRequest = { readonly id: number } & (
  | {
      readonly kind: "create";
      readonly model: EngineModel;
      readonly threads: number | undefined;
      /** ONNX Runtime's session configuration entries. */
      readonly sessionConfig: Readonly<Record<string, string>>;
    }
  | { readonly kind: "run"; readonly feeds: Readonly<Record<string, Tensor>> }
  | { readonly kind: "release" }
);

export interface WorkerReply {
  readonly id: number;
  readonly outputs?: Record<string, Tensor> | undefined;
  readonly error?: string;
}
