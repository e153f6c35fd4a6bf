// Preloaded by a test: whatever opens a connection or looks up a name ends the process.
import dns from "node:dns";
import net from "node:net";

const refuse = (what) => () => {
  process.stderr.write(`refused: ${what}\n`);
  process.exit(99);
};

net.Socket.prototype.connect = refuse("a connection");
dns.lookup = refuse("a look-up");
dns.promises.lookup = refuse("a look-up");
