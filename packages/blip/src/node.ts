// The door for Node: the isomorphic package wired to files, sharp and onnxruntime-node.
export * from "./index.ts";
