// Reads a release's section of the changelog.

/** The text under "## TITLE", without the heading. @throws Error if there is no such section or if it is empty */
export function changelogSection(changelog: string, title: string): string {
  const [, ...sections] = changelog.split(/^## /m);
  const own = sections.find((section) => section.split("\n", 1)[0]?.trim() === title);
  const text = own?.slice(own.indexOf("\n")).trim();
  if (text === undefined || text === "")
    throw new Error(
      `CHANGELOG.md: expected a section "## ${title}" with entries, got none. Write what has changed.`,
    );
  return text;
}
