// Removes user and password from an address, because `fetch` rejects such addresses with an error that quotes them.

/** An address without its user and password, and the header that replaces them. */
export function withoutCredentials(address: string | URL): {
  readonly url: URL;
  readonly authorization?: string;
} {
  const url = new URL(address);
  const { username, password } = url;
  if (username === "" && password === "") return { url };
  url.username = "";
  url.password = "";
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair, "utf8").toString("base64")}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
