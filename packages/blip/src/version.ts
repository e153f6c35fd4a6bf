// The package's version, kept equal to package.json's by a test.
/** The version of this package. */
export const version = "0.1.0";
