// What goes wrong while a graph is built, checked or lowered: a mistake in the network's code, never the user's.

/** A graph that cannot be: message = operation, where (scope), expected, found. */
export class GraphError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GraphError";
  }
}
