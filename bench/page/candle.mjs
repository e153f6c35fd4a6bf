// candle's BLIP in a page, with the same functions as the package in caption.mjs: the WebAssembly of
// bench/peers/candle.

let candle;
let peer;
let complaint = "";

const text = (place, length) => new TextDecoder().decode(new Uint8Array(candle.memory.buffer, place, length));

/** Reads a file into the program's memory as it arrives. */
async function inRoom(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const length = Number(response.headers.get("content-length"));
  const place = candle.room(length);
  let done = 0;
  for await (const part of response.body) {
    new Uint8Array(candle.memory.buffer, place + done, part.length).set(part);
    done += part.length;
  }
  if (done !== length) throw new Error(`${url}: expected ${length} bytes, got ${done}`);
  return [place, length];
}

/** The place of the outputs; throws the program's complaint if there are none. */
function answer(place) {
  if (place === 0) throw new Error(complaint);
  return place;
}

const timed = (work, Numbers, count) => {
  const start = performance.now();
  const place = answer(work());
  const value = (performance.now() - start) / 1000;
  return { value, outputs: Array.from(new Numbers(candle.memory.buffer, place, count)) };
};

globalThis.benchPage = {
  async open(folder, { program }) {
    const module = await WebAssembly.compileStreaming(fetch(program));
    const imports = {};
    // The other imports are wasm-bindgen's, for random numbers, which this page never requests.
    for (const { module: from, name } of WebAssembly.Module.imports(module))
      (imports[from] ??= {})[name] = () => {
        throw new Error(`${name} is not available`);
      };
    imports.page.complain = (place, length) => (complaint = text(place, length));
    candle = (await WebAssembly.instantiate(module, imports)).exports;
    const config = await inRoom(`${folder}config.json`);
    const weights = await inRoom(`${folder}model.safetensors`);
    peer = answer(candle.open(...config, ...weights));
    return crossOriginIsolated;
  },

  image: () => timed(() => candle.image(peer), Float32Array, 8),
  greedy: () => timed(() => candle.caption(peer), Uint32Array, 21),
};
