// Speaks for the page until its wasm runs: what failed, and what to do about it. A file of its own and no module, so that it also runs
// in browsers and under security policies that stop the page itself; first in the head, so that it hears of everything. The page
// replaces what it says.

(() => {
  "use strict";
  const parsed = () => document.readyState !== "loading";
  const running = () => parsed() && !document.getElementById("shell");
  /** Calls once the body is there. */
  const afterwards = (call) => (parsed() ? call() : document.addEventListener("DOMContentLoaded", call));
  let failed = false;

  /** Says a cause, with what to do, in place of "Loading…". The first cause counts: later ones follow from it. */
  function fail(cause, advice) {
    if (failed || running()) return;
    failed = true;
    afterwards(() => {
      const shell = document.getElementById("shell");
      if (!shell) return;
      shell.setAttribute("role", "alert");
      shell.dataset.state = "failed";
      shell.replaceChildren(paragraph(`The page cannot start: ${cause}`), paragraph(advice));
    });
  }

  function paragraph(text) {
    const element = document.createElement("p");
    element.textContent = text;
    return element;
  }

  /** Without its style sheet the page runs all the same: said above it, where the page does not replace it. */
  function lackStyle(address) {
    const words = `The style sheet ${name(address)} of this page is missing or was changed on its way to you. Reload the page.`;
    afterwards(() => document.body.before(paragraph(words)));
  }

  const RELOAD = "Reload the page. If that does not help, the site is incomplete or was changed on its way to you.";
  const BROWSER = "A current Firefox, Chrome, Edge or Safari can run it.";

  /** One instruction of 128-bit SIMD, as a whole module. */
  const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

  if (typeof WebAssembly !== "object") return fail("this browser has no WebAssembly, or it is switched off.", BROWSER);
  if (!("noModule" in HTMLScriptElement.prototype) || !("Worker" in window))
    return fail("this browser is too old for module scripts and workers.", BROWSER);
  if (!WebAssembly.validate(new Uint8Array(SIMD))) return fail("this browser is too old: its WebAssembly has no SIMD.", BROWSER);

  /** The page's own files, as its head names them. */
  const files = () =>
    [...document.querySelectorAll("link[rel=modulepreload], link[rel=preload]")].map(({ href }) => href).filter(Boolean);
  const name = (address) => new URL(address, location.href).pathname.split("/").pop();

  /** Asks the server for each of the page's own files, and says what is wrong with the first that is. */
  async function diagnose(reason) {
    for (const address of files()) {
      let response;
      try {
        response = await fetch(address);
      } catch {
        return fail(`${name(address)} could not be downloaded.`, "Check the network and reload the page.");
      }
      if (!response.ok) return fail(`${name(address)} is missing (the server says ${response.status}).`, RELOAD);
      const type = response.headers.get("content-type") ?? "none";
      if (address.endsWith(".js") && !/javascript/.test(type))
        return fail(`the server sends ${name(address)} as ${type}, not as text/javascript.`, "This has to be changed on the server.");
      if (/html/.test(type))
        return fail(`in place of ${name(address)} the server sends a web page.`, RELOAD);
      const promised = Number(response.headers.get("content-length") ?? 0);
      const bytes = await response.arrayBuffer().catch(() => null);
      if (bytes === null || (!response.headers.has("content-encoding") && bytes.byteLength < promised))
        return fail(`${name(address)} arrived incomplete.`, "Check the network and reload the page.");
      if (address.endsWith(".wasm") && !(await compiles(bytes)))
        return fail(`${name(address)} is damaged or incomplete.`, RELOAD);
    }
    fail(reason, RELOAD);
  }

  async function compiles(bytes) {
    try {
      return Boolean(await WebAssembly.compile(bytes));
    } catch (error) {
      // Not the file's fault: a policy forbids to compile it, which is said elsewhere.
      return /Content Security Policy|unsafe-eval/.test(String(error));
    }
  }

  const POLICY = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'";
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
    fail(`a Content-Security-Policy of this site forbids it (${effectiveDirective}).`, `The page needs at least: ${POLICY}.`),
  );

  // Also what is heard of elements only: a script, module or style sheet that cannot be fetched.
  addEventListener(
    "error",
    ({ target, message }) => {
      if (running()) return;
      if (target instanceof HTMLLinkElement && target.relList.contains("stylesheet")) return lackStyle(target.href);
      diagnose(message ? `${message}.` : "one of its scripts could not be loaded.");
    },
    true,
  );
  addEventListener("unhandledrejection", ({ reason }) => {
    if (running()) return;
    const words = String(reason?.message ?? reason);
    if (/Content Security Policy|unsafe-eval/.test(words))
      return fail("a Content-Security-Policy of this site forbids WebAssembly.", `The page needs at least: ${POLICY}.`);
    diagnose(`${words}.`);
  });

  if (self.origin === "null")
    afterwards(() => {
      const words = "This frame is sandboxed. The model can run only if its sandbox also has allow-same-origin.";
      document.getElementById("shell")?.append(paragraph(words));
    });
})();
