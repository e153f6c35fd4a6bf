// Shows addresses in messages without their possible secrets.

/** An address without user, password, query and fragment: each may contain a key. */
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

/** A name for messages: URLs without their secrets, any other text unchanged. */
export const shownName = (name: string): string =>
  /^(?:https?:|data:|[a-z][a-z\d+.-]*:\/\/)/i.test(name) ? shownUrl(name) : name;
