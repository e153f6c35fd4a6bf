// Errors of requests without a complete answer. Messages use this package's own words or the system's code. They never
// quote the server, and never show an address with its credentials.

/** A failed transfer, with the reason. Callers convert it to a BlipError. */
export class NetworkFailure extends Error {
  /** Whether a retry cannot succeed. */
  readonly isFinal: boolean;

  constructor(reason: string, options: ErrorOptions & { readonly isFinal?: boolean } = {}) {
    super(reason, options);
    this.isFinal = options.isFinal ?? false;
  }
}

/** A redirect that is not followed; the reason describes the server's action. */
export class RefusedRedirect extends Error {
  readonly isPrivate: boolean;

  constructor(reason: string, isPrivate = false) {
    super(reason);
    this.isPrivate = isPrivate;
  }
}

const codeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && typeof error.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(error.code))
    return error.code;
  const inner = error instanceof AggregateError ? (error.errors as unknown[])[0] : undefined;
  return codeOf(error.cause) ?? codeOf(inner);
};

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "no server listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up",
  ECONNRESET: "the connection was broken off",
  EPIPE: "the connection was broken off",
  UND_ERR_SOCKET: "the connection was broken off",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "there is no route to it",
};

/** Turns an error of `fetch` or of a body's reader into a `NetworkFailure`. */
export function failureOf(error: unknown): NetworkFailure {
  if (error instanceof NetworkFailure) return error;
  const code = codeOf(error);
  const said = code === undefined ? undefined : words[code];
  const reason = code === undefined ? "the connection failed" : said ? `${said}: ${code}` : code;
  return new NetworkFailure(reason, {
    cause: error,
    isFinal: code === "ECONNREFUSED" || code === "ENOTFOUND",
  });
}
