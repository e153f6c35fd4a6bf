// Arrays that own their memory. TypeScript before 5.7 has no `Uint8Array<ArrayBuffer>`; it sees these as plain arrays.
export type OwnBytes = ReturnType<typeof Uint8Array.from>;
export type OwnFloats = ReturnType<typeof Float32Array.from>;
