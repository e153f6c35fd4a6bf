// The parts of a URL that a message may contain.
import { expect, test } from "vitest";
import { shownName, shownUrl } from "./shown-url.ts";

test.each([
  ["https://user:secret@example.com/a.png", "https://example.com/a.png"],
  ["https://example.com:8443/a.png?X-Signature=secret#secret", "https://example.com:8443/a.png?..."],
  ["http://secret@example.com", "http://example.com/"],
  ["https://", "a malformed URL"],
  ["data:image/png;base64,c2VjcmV0", "the data: URL"],
  ["blob:https://example.com/1234", "blob:https://example.com/1234"],
])("of %s it is %s", (address, shown) => {
  expect(shownUrl(address)).toBe(shown);
  expect(shownUrl(address)).not.toContain("secret");
});

test("names that are not addresses stay unchanged", () => {
  for (const name of ["a.png", "C:\\a.png", "/data/a?b.png", "org/name", "httpd.png"])
    expect(shownName(name)).toBe(name);
  expect(shownName("ftp://user:secret@example.com/a")).toBe("ftp://example.com/a");
});
