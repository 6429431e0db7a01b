// In Node: the module is read from beside this file.
import { readFile } from "node:fs/promises";
import { loadFrom } from "./index.js";

export * from "./index.js";

let loading;

export function load(source) {
  loading ??= (async () => loadFrom(source ?? (await readFile(new URL("./sillok_verifier_bg.wasm", import.meta.url)))))();
  return loading;
}
