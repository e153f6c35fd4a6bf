// A native library that cannot be loaded, in words that say what to do: npm's packages have binaries for some systems
// alone, and what the system says of it ("cannot open shared object file") names neither package nor remedy.
import { arch, platform, report, version } from "node:process";
import type { ModelError } from "@blip-ts/base";
import { nativeNotLoaded } from "../errors.ts";

export type NativeLibrary = "onnxruntime-node" | "sharp";

/** Where a library was to be loaded. */
export interface NativePlace {
  readonly platform: string;
  readonly arch: string;
  /** Which C library a Linux has; other systems have one. */
  readonly libc: "glibc" | "musl" | undefined;
  readonly version: string;
}

/** Node's report has the version of glibc; musl has none. */
function libcHere(): NativePlace["libc"] {
  if (platform !== "linux") return undefined;
  const { header } = report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

const nativePlace = (): NativePlace => ({ platform, arch, libc: libcHere(), version });

const longestDetail = 300;

/** What was said first: sharp adds half a page of advice about installing. */
function detailOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const line = message.split("\n").find((text) => text.trim() !== "") ?? "no reason was given";
  return line.trim().slice(0, longestDetail);
}

/** Ends of sentences of what the system says. */
const oldLibrary = /GLIBCXX_|GLIBC_|CXXABI_|libstdc\+\+/;
const notInstalled = /Cannot find (?:module|package)|ERR_MODULE_NOT_FOUND|Could not load the "sharp" module/;

/** What to do, by the most likely reason. */
function adviceFor(library: NativeLibrary, detail: string, { platform: system, libc }: NativePlace): string {
  if (libc === "musl" && library === "onnxruntime-node")
    return "onnxruntime-node has no binary for musl (Alpine): take an image with glibc, such as node:22-slim.";
  if (libc === "musl")
    return "Install it on this system, or with npm install --os=linux --libc=musl sharp: a copy from a glibc system does not load.";
  if (oldLibrary.test(detail))
    return "Install the system's C++ library (apt-get install libstdc++6), or take a newer system: it is missing or too old.";
  if (notInstalled.test(detail))
    return `Install it on this system with its optional packages (npm install --include=optional ${library}); a bundler has to leave it outside.`;
  return `Install it anew on this system (npm install ${library}); a copy from another system (${system} is this one) does not load.`;
}

/**
 * @param cause what loading it threw
 * @param here where it was to be loaded: in this process unless told
 */
export function cannotLoad(library: NativeLibrary, cause: unknown, here = nativePlace()): ModelError {
  const detail = detailOf(cause);
  const { libc } = here;
  const system = `${here.platform}-${here.arch}${libc === undefined ? "" : ` with ${libc}`}`;
  return nativeNotLoaded({ library, system, detail, advice: adviceFor(library, detail, here), here }, cause);
}
