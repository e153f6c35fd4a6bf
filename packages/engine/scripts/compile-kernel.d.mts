export function compileKernel(text: string): Promise<Uint8Array>;
