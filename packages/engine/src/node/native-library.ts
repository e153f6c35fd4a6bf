// Explains a native library that cannot be loaded, with advice. npm packages have binaries for some systems only, and
// the system's error ("cannot open shared object file") names neither the package nor a remedy.
import { arch, platform, report, version } from "node:process";
import type { ModelError } from "@blip-ts/base";
import { nativeNotLoaded } from "../errors.ts";

export type NativeLibrary = "onnxruntime-node" | "sharp";

/** The system on which a library was to be loaded. */
export interface NativePlace {
  readonly platform: string;
  readonly arch: string;
  /** The C library of a Linux system; undefined on other systems. */
  readonly libc: "glibc" | "musl" | undefined;
  readonly version: string;
}

/** Node's report contains the version of glibc; with musl it has none. */
function libcHere(): NativePlace["libc"] {
  if (platform !== "linux") return undefined;
  const { header } = report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

const nativePlace = (): NativePlace => ({ platform, arch, libc: libcHere(), version });

const longestDetail = 300;

/** The first line of the message: sharp appends half a page of installation advice. */
function detailOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const line = message.split("\n").find((text) => text.trim() !== "") ?? "no reason was given";
  return line.trim().slice(0, longestDetail);
}

/** Parts of system messages that identify a cause. */
const oldLibrary = /GLIBCXX_|GLIBC_|CXXABI_|libstdc\+\+/;
const notInstalled = /Cannot find (?:module|package)|ERR_MODULE_NOT_FOUND|Could not load the "sharp" module/;

/** Advice for the most likely cause. */
function adviceFor(library: NativeLibrary, detail: string, { platform: system, libc }: NativePlace): string {
  if (libc === "musl" && library === "onnxruntime-node")
    return "onnxruntime-node has no binary for musl (Alpine): use an image with glibc, such as node:22-slim.";
  if (libc === "musl")
    return "Install it on this system, or with npm install --os=linux --libc=musl sharp: a copy from a glibc system does not load.";
  if (oldLibrary.test(detail))
    return "Install the system's C++ library (apt-get install libstdc++6), or use a newer system: the library is missing or too old.";
  if (notInstalled.test(detail))
    return `Install it on this system with its optional packages (npm install --include=optional ${library}); a bundler must leave it out of the bundle.`;
  return `Install it again on this system (npm install ${library}); a copy from another system than this one (${system}) does not load.`;
}

/**
 * Makes the error of a library that cannot be loaded.
 * @param cause the error from loading it
 * @param here the system; default: the one of this process
 */
export function cannotLoad(library: NativeLibrary, cause: unknown, here = nativePlace()): ModelError {
  const detail = detailOf(cause);
  const { libc } = here;
  const system = `${here.platform}-${here.arch}${libc === undefined ? "" : ` with ${libc}`}`;
  return nativeNotLoaded({ library, system, detail, advice: adviceFor(library, detail, here), here }, cause);
}
