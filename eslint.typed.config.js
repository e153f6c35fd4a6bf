// The lint with types in tests, examples and benchmarks as well; `npm run lint` leaves these out for its time.
import config from "./eslint.config.js";

export default config.filter(({ name }) => name !== "tests without types");
