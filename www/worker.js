// Starts an engine inside its Web Worker, and tells the page how much of the engine's wasm has come.
//
// Started as `worker.js?engine=worker-cpu`. To the page this file speaks plain objects: `{ done, total }` in bytes (no total
// where nobody says it) and `{ failed }`, words for the reader. All else that the page hears are bytes from the engine itself,
// which asks `expectedBytes` here, too.

/** Shortest interval between two progress messages, in milliseconds. */
const PROGRESS_INTERVAL = 50;

const engine = new URLSearchParams(location.search).get("engine");
const glue = `${engine}.js`;
const program = `${engine}_bg.wasm`;

async function loadGlue() {
  try {
    return await import(`./${glue}`);
  } catch (error) {
    throw new Error(`${glue} cannot be fetched or run (${error.message}); reload the page`);
  }
}

async function fetchProgram() {
  const response = await fetch(new URL(program, import.meta.url)).catch(() => {
    throw new Error(`${program} cannot be fetched; is the server running, and the network up?`);
  });
  if (!response.ok) {
    throw new Error(`${program} is not there (the server says ${response.status}); is the site complete on its server?`);
  }
  return response;
}

/** The site's own list of its large files' sizes in bytes, by path; asked for once at most. */
let sizes;

/** How many bytes of a response arrive, or undefined where nobody says it. */
globalThis.expectedBytes = async ({ headers, url }) => {
  if (!headers.has("content-encoding")) {
    const length = headers.get("content-length");
    return length === null ? undefined : Number(length);
  }
  // The server compresses on the way: the length that it says is not that of what arrives here.
  sizes ??= fetch(new URL("sizes.json", import.meta.url))
    .then((list) => (list.ok ? list.json() : {}))
    .catch(() => ({}));
  const site = new URL(".", import.meta.url).href;
  return (await sizes)[url.slice(site.length)];
};

/** Reads a response to its end and posts its progress to the page; the last number posted is the file's size. */
async function count(response) {
  const total = await expectedBytes(response);
  const reader = response.body.getReader();
  let done = 0;
  let sent = -Infinity;
  for (;;) {
    const piece = await reader.read().catch(() => {
      throw new Error(`${program} broke off after ${done} bytes; reload the page`);
    });
    done += piece.value?.length ?? 0;
    const now = performance.now();
    if (piece.done || now - sent >= PROGRESS_INTERVAL) {
      postMessage({ done, total });
      sent = now;
    }
    if (piece.done) return;
  }
}

/** Compiles while the bytes come, which browsers do only for a server that calls wasm by its name. */
async function compile(response) {
  return response.headers.get("content-type") === "application/wasm"
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

async function start() {
  const [{ default: init }, response] = await Promise.all([loadGlue(), fetchProgram()]);
  // What is counted is a copy: browsers keep the compiled code of a response of theirs, not of a stream made here.
  const copy = response.clone();
  const compiling = compile(response);
  // The engine speaks as soon as it runs; by then the count is to be over.
  const [counted] = await Promise.allSettled([count(copy), compiling]);
  if (counted.status === "rejected") throw counted.reason;
  try {
    await init({ module_or_path: await compiling });
  } catch (error) {
    throw new Error(`${engine} does not start (${error}); reload the page, with Ctrl+Shift+R if need be`);
  }
}

start().catch((error) => postMessage({ failed: error.message }));
