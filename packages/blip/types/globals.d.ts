// The platform's names that this package's types speak of. Each merges with the declaration of lib.dom.d.ts or
// @types/node; a program that has neither gets these alone.
interface AbortSignal {
  readonly aborted: boolean;
}
interface URL {
  href: string;
}
interface Blob {
  readonly size: number;
}
interface Worker {
  terminate(): void;
}
interface HTMLImageElement {
  readonly currentSrc: string;
}
interface HTMLCanvasElement {
  width: number;
}
interface OffscreenCanvas {
  width: number;
}
interface ImageBitmap {
  readonly width: number;
}
interface ImageData {
  readonly width: number;
}
