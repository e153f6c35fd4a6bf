import type ts from "typescript";

export function fillerNames(
  source: ts.SourceFile,
): { readonly line: number; readonly name: string; readonly where: string }[];
