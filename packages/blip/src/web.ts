// The door for browsers: the isomorphic package. A page hands in its own platform (pictures, model files, ONNX Runtime).
export * from "./index.ts";
