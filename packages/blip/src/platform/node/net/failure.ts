// A request that got no answer, or half of one. What is shown of it is our own words or the system's code: never what the
// other side sent, and never an address with its credentials.

/** Why a transfer failed; those who asked for it make a BlipError of it. */
export class NetworkFailure extends Error {
  /** Would another try help? */
  readonly isFinal: boolean;

  constructor(reason: string, options: ErrorOptions & { readonly isFinal?: boolean } = {}) {
    super(reason, options);
    this.isFinal = options.isFinal ?? false;
  }
}

/** A redirect that is not followed: why, as what a server did. */
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
  ECONNREFUSED: "nobody listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "its name cannot be looked up",
  ECONNRESET: "the connection was broken off",
  EPIPE: "the connection was broken off",
  UND_ERR_SOCKET: "the connection was broken off",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  ETIMEDOUT: "it does not answer",
  EHOSTUNREACH: "no way leads there",
  ENETUNREACH: "no way leads there",
};

/** What `fetch` or a body's reader throws, as a failure of ours. */
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
