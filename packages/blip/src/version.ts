// The package's version. A test checks that it equals the version in package.json.
/** The version of this package. */
export const version = "0.1.0";
