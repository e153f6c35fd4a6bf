// A child process that loads a model with the built package, once per message.
import process from "node:process";
const { inspect } = await import("../../dist/node.js");

process.on("message", ({ id, env, after }) => {
  Object.assign(process.env, env);
  setTimeout(() => {
    inspect(id, { onWarning: () => undefined }).then(
      ({ tasks }) => process.send?.({ tasks }),
      (error) => process.send?.({ error: `${error.code ?? error.name}: ${error.message}` }),
    );
  }, after);
});
process.send?.("ready");
