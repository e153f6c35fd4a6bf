// The few globals that Node and browsers share and that no ES library file declares. Users of this package get the
// platform's own declarations.

interface TextDecoder {
  decode(bytes?: Uint8Array, options?: { readonly stream?: boolean }): string;
}

// eslint-disable-next-line no-var -- a constructor of the platform can only be declared as a var
declare var TextDecoder: new (
  label?: "utf-8",
  options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean },
) => TextDecoder;

interface ReadableStreamDefaultReader<T> {
  read(): Promise<{ readonly done: false; readonly value: T } | { readonly done: true }>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

interface ReadableStreamDefaultController<T> {
  enqueue(chunk: T): void;
  close(): void;
}

interface WritableStream<T> {
  readonly locked: boolean;
  abort(reason?: T): Promise<void>;
}

interface ReadableStream<T> {
  getReader(): ReadableStreamDefaultReader<T>;
  pipeThrough<U>(pair: {
    readonly readable: ReadableStream<U>;
    readonly writable: WritableStream<T>;
  }): ReadableStream<U>;
  cancel(reason?: unknown): Promise<void>;
}

// eslint-disable-next-line no-var -- as above
declare var ReadableStream: new <T>(source: {
  pull(controller: ReadableStreamDefaultController<T>): Promise<void>;
  cancel(): Promise<void>;
}) => ReadableStream<T>;

// eslint-disable-next-line no-var -- as above
declare var DecompressionStream: new (format: "gzip") => {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
};

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare function btoa(binary: string): string;
