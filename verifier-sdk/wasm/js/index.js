// The verifier with names for its arguments and objects for its answers. Nothing is decided here.
import * as glue from "./sillok_verifier.js";

/** A refusal: `code` is one of the specification's. */
export class SillokError extends Error {
  constructor(code, message, memory) {
    super(message);
    this.name = "SillokError";
    this.code = code;
    if (memory !== undefined) this.memory = memory;
  }
}

/** Makes the module ready: `source` is its bytes, a compiled module, a response or a URL. Once is enough. */
export async function loadFrom(source) {
  await glue.default({ module_or_path: source });
}

/** A door with one trust bundle. */
export class Verifier {
  #inner;

  constructor(bundle, { now, roots = [], threshold = 1, memory } = {}) {
    this.#inner = attempt(() => new glue.Verifier(bytes(bundle), roots, threshold, memory, time(now)));
  }

  verify(shown, { now, holder = "not asked", nonce, audience, once = false, place, receipt, statuses = [] } = {}) {
    const evidence = evidenceOf(shown, receipt, statuses);
    const policy = policyOf(holder, nonce, audience, once);
    try {
      if (place) policy.at(place.jurisdiction, place.class);
      return JSON.parse(attempt(() => this.#inner.verify(evidence, policy, time(now))));
    } finally {
      evidence.free();
      policy.free();
    }
  }

  unverifiedDecision(shown, { now, place }) {
    const evidence = evidenceOf(shown, undefined, []);
    try {
      const { jurisdiction, class: name } = place;
      return JSON.parse(attempt(() => this.#inner.unverifiedDecision(evidence, jurisdiction, name, time(now))));
    } finally {
      evidence.free();
    }
  }

  update(bundle, { now } = {}) {
    attempt(() => this.#inner.update(bytes(bundle), time(now)));
  }

  applyDelta(delta, { now } = {}) {
    attempt(() => this.#inner.applyDelta(bytes(delta), time(now)));
  }

  addPopulation(file) {
    return attempt(() => this.#inner.addPopulation(bytes(file)));
  }

  get memory() {
    return this.#inner.memory;
  }

  get bundle() {
    return this.#inner.bundle;
  }

  get trust() {
    return JSON.parse(this.#inner.trust);
  }

  free() {
    this.#inner.free();
  }
}

export function pack(shown, { receipt } = {}) {
  return attempt(() => glue.pack(bytes(shown), optionalBytes(receipt)));
}

export function unpack(text, { audience } = {}) {
  const { shown, receipt } = JSON.parse(attempt(() => glue.unpack(bytes(text), audience)));
  if (receipt === undefined) return { shown };
  return { shown, receipt: Uint8Array.from(receipt.match(/../g) ?? [], (pair) => parseInt(pair, 16)) };
}

export function disclosures(issued) {
  return JSON.parse(attempt(() => glue.disclosures(issued)));
}

export function select(issued, keep) {
  return attempt(() => glue.select(issued, Uint32Array.from(keep)));
}

export async function bind(shown, { algorithm = "ES256", nonce, audience, now, sign }) {
  const at = time(now);
  const input = attempt(() => glue.bindingInput(shown, algorithm, nonce, audience, at));
  const signature = new Uint8Array(await sign(new TextEncoder().encode(input)));
  return attempt(() => glue.bind(shown, algorithm, nonce, audience, at, signature));
}

export function version() {
  return glue.version();
}

function evidenceOf(shown, receipt, statuses) {
  const evidence = new glue.ShownEvidence(bytes(shown), optionalBytes(receipt));
  for (const file of statuses) evidence.addStatus(bytes(file));
  return evidence;
}

function policyOf(holder, nonce, audience, once) {
  if (holder === "not asked") return glue.DoorPolicy.notAsked();
  if (holder === "live code") return glue.DoorPolicy.live(once);
  if (holder === "challenge") return glue.DoorPolicy.challenge(nonce, audience, once);
  throw new TypeError(`holder is "not asked", "live code" or "challenge", not ${JSON.stringify(holder)}`);
}

/** Seconds since 1970. There is no default: a door says what it takes for now. */
function time(now) {
  if (typeof now !== "number" || !Number.isFinite(now)) throw new TypeError(`now is seconds since 1970, not ${now}`);
  return Math.floor(now);
}

function bytes(value) {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError("text or bytes");
}

function optionalBytes(value) {
  return value === undefined || value === null ? undefined : bytes(value);
}

function attempt(call) {
  try {
    return call();
  } catch (thrown) {
    if (typeof thrown !== "string") throw thrown;
    const { code, message, memory } = JSON.parse(thrown);
    throw new SillokError(code, message, memory);
  }
}
