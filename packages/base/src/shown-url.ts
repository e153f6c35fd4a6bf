// Addresses in messages: without what may be a secret of them.

/** An address without user, password, query and fragment: each may be a key. */
export function shownUrl(address: string): string {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return "a malformed URL";
  }
  if (url.protocol === "data:") return "the data: URL";
  const start = url.host === "" ? url.protocol : `${url.protocol}//${url.host}`;
  return `${start}${url.pathname}${url.search === "" ? "" : "?..."}`;
}

/** What a text is called in messages: URLs without their secrets, all else as it stands. */
export const shownName = (name: string): string =>
  /^(?:https?:|data:|[a-z][a-z\d+.-]*:\/\/)/i.test(name) ? shownUrl(name) : name;
