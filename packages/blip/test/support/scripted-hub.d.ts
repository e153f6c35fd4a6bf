import { type ServerResponse } from "node:http";
export declare const hubId = "someone/blip-tiny";
export declare const hubCommit = "0123456789abcdef0123456789abcdef01234567";
export declare const sha256: (bytes: Uint8Array) => string;
export declare const gitSha: (bytes: Uint8Array) => string;
/** What a request asks for. */
export interface HubRequest {
    readonly kind: "list" | "head" | "get";
    /** Of `head` and `get`. */
    readonly file: string;
    /** The first byte that is wanted. */
    readonly from: number;
    readonly url: string;
    readonly authorization: string | undefined;
}
/** Answers a request, or leaves it to the hub. @returns did it answer? */
export type Answerer = (request: HubRequest, response: ServerResponse) => boolean;
export interface ScriptedHub extends AsyncDisposable {
    readonly origin: string;
    readonly files: Map<string, Buffer>;
    /** All that was asked, in order. */
    readonly requests: HubRequest[];
    /** Asked first; tests set it. */
    answer: Answerer;
    /** Files that were sent, whole or from a byte on. */
    sent(): string[];
    close(): Promise<void>;
}
/** Small files are named by git's hash, large ones by sha256, as on the Hub. */
export declare const etagOf: (bytes: Uint8Array) => string;
export declare function serveScriptedHub(files: Readonly<Record<string, Uint8Array>>): Promise<ScriptedHub>;
