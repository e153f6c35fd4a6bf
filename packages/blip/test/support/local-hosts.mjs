// Preloaded with `node --import`: redirects requests for other hosts to the server that BLIP_TEST_HOSTS names, below
// /hosts/NAME/.
import process from "node:process";

const local = process.env.BLIP_TEST_HOSTS;
const plain = globalThis.fetch;
if (local !== undefined)
  globalThis.fetch = (input, init) => {
    const { hostname, pathname } = new URL(input instanceof Request ? input.url : input);
    return hostname === "127.0.0.1"
      ? plain(input, init)
      : plain(`${local}/hosts/${hostname}${pathname}`, init);
  };
