// In a browser or a worker: the module is fetched from beside this file.
import { loadFrom } from "./index.js";

export * from "./index.js";

let loading;

export function load(source = new URL("./sillok_verifier_bg.wasm", import.meta.url)) {
  loading ??= loadFrom(source);
  return loading;
}
