// Errors while a graph is built, checked or lowered. They are bugs in the network's code, never the user's mistakes.

/** An invalid graph. The message has the form: operation, place (scope), expected, got. */
export class GraphError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GraphError";
  }
}
