// The few globals that Node and browsers share and that no ES library file declares. Users of this package get the
// platform's own declarations.

interface TextDecoder {
  decode(bytes?: Uint8Array): string;
}

// eslint-disable-next-line no-var -- a constructor of the platform can only be declared as a var
declare var TextDecoder: new (
  label?: "utf-8",
  options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean },
) => TextDecoder;

interface TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

// eslint-disable-next-line no-var -- as above
declare var TextEncoder: new () => TextEncoder;

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

// eslint-disable-next-line no-var -- as above
declare var AbortController: new () => AbortController;

declare const crypto: {
  readonly subtle: { digest(algorithm: "SHA-256", data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> };
};

declare function setTimeout(callback: () => void, milliseconds?: number): unknown;
declare function clearTimeout(timer: unknown): void;

declare function atob(text: string): string;

// eslint-disable-next-line no-var -- as above
declare var URL: new (url: string, base?: string) => URL;

interface URL {
  readonly protocol: string;
  readonly host: string;
  readonly hostname: string;
  readonly pathname: string;
  readonly search: string;
}

interface ReadableStreamDefaultController<T> {
  enqueue(chunk: T): void;
  close(): void;
}

interface ReadableStream<T> {
  getReader(): {
    read(): Promise<
      { readonly done: false; readonly value: T } | { readonly done: true; readonly value?: T }
    >;
    cancel(): Promise<void>;
  };
  pipeThrough<U>(pair: { readonly readable: ReadableStream<U> }): ReadableStream<U>;
}

// eslint-disable-next-line no-var -- as above
declare var ReadableStream: new <T>(source: {
  pull(controller: ReadableStreamDefaultController<T>): void;
}) => ReadableStream<T>;

// eslint-disable-next-line no-var -- as above
declare var DecompressionStream: new (format: "deflate") => { readonly readable: ReadableStream<Uint8Array> };
