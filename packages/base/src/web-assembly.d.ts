// The part of WebAssembly that the engine uses. Node and browsers have it, but only TypeScript's DOM library declares
// it.

declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- it is as the platform declares it
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, Memory>>>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
