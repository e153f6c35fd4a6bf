import type { Tensor } from "@blip-ts/graph";
import type { GenerationOptions } from "../../src/decode/options.ts";
/** What a reference generated with one set of options, a row for each image alone. */
export interface GeneratedCase {
    readonly sepBias: number;
    readonly prompt: string | null;
    readonly options: Readonly<Record<string, number | boolean>>;
    readonly rows: readonly {
        readonly sequences: readonly (readonly number[])[];
        readonly scores?: readonly number[];
    }[];
}
export declare const fixture: (relative: string) => string;
/** fixtures/goldens/`name`.json */
export declare const goldenJson: <T>(name: string) => Promise<T>;
/** fixtures/goldens/`name`.safetensors */
export declare function goldenTensors(name: string): Promise<{
    floats: (key: string) => Promise<Tensor<"float32">>;
    ids: (key: string) => Promise<Tensor<"int64">>;
    bytes: (key: string) => Promise<{
        dims: readonly number[];
        data: Uint8Array;
    }>;
}>;
/** Copies of tiny checkpoints in which [SEP] is likelier: its bias is number 3 of the LM head's. */
export declare function likelierEnds(): {
    of(model: string, sepBias: number): Promise<string>;
    remove: () => Promise<void[]>;
};
export declare function optionsOf({ options }: Pick<GeneratedCase, "options">): GenerationOptions;
/** What a reference returns beside longer sequences is padded, with [PAD] or with [SEP] again. */
export declare function unpadded(sequence: readonly number[]): readonly number[];
/** Equal within `tolerance` of the worst element. */
export declare function expectClose(found: Tensor<"float32">, expected: Tensor<"float32">, tolerance: number): void;
