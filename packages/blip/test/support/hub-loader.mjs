// A process that loads a model when it is told to, with the shipped package: forked by tests, one message a load.
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
