// The few globals that Node and browsers share and that no ES library file declares.

interface TextDecoder {
  decode(bytes?: Uint8Array): string;
}

// eslint-disable-next-line no-var -- a constructor of the platform can only be declared as a var
declare var TextDecoder: new (
  label?: "utf-8",
  options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean },
) => TextDecoder;
