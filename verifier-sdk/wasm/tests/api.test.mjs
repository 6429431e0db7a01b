// The boundary: what is thrown, what is kept, and a wallet and a door that face each other.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  SillokError, Verifier, bind, disclosures, load as ready, pack, select, unpack, version,
} from "../pkg/node.js";
import { first, load, text } from "./vectors.mjs";

await ready();

const vector = (topic, name) => load(topic).find((one) => one.name === `${topic}/${name}.txt`);
const live = vector("verify", "packed-live");
const now = Number(text(live, "now"));
const open = (options = {}) => new Verifier(first(live, "trust"), { now, ...options });

test("the module has no name of a folder in it", () => {
  const module = readFileSync(new URL("../pkg/sillok_verifier_bg.wasm", import.meta.url)).toString("latin1");
  assert.deepEqual(module.match(/\/(home|root|work|tmp|usr)\/[\w./-]*/g) ?? [], []);
  assert.equal(version(), JSON.parse(readFileSync(new URL("../pkg/package.json", import.meta.url))).version);
});

test("a valid verdict says what it rests on", () => {
  const door = open();
  const verdict = door.verify(text(live, "packed"), { now, holder: "live code", once: true });
  assert.equal(verdict.verdict, "valid");
  const { facts } = verdict;
  assert.equal(facts.issuer, "https://issuer.example");
  assert.equal(facts.holder.proof, "live code");
  assert.equal(facts.holder.issued, now);
  assert.match(facts.holder.token, /^[0-9a-f]{64}$/);
  assert.deepEqual(facts.claims.credentialSubject, { scheme: "kr.facility", birthDate: "1990-03-01" });
  assert.equal(facts.place, null);
  assert.deepEqual(door.verify(text(live, "packed"), { now, holder: "live code", once: true }), {
    verdict: "not valid", code: "holder.replayed", reason: "the code was shown before",
  });
  assert.deepEqual(door.trust.alarms, []);
  assert.equal(door.trust.newestLandmarkSize, 4);
  door.free();
});

test("what is refused is thrown with its code, and what is shown never is", () => {
  const code = (call) => {
    try {
      call();
    } catch (thrown) {
      assert(thrown instanceof SillokError, String(thrown));
      return thrown.code;
    }
    return undefined;
  };
  assert.equal(code(() => new Verifier("{}", { now })), "trust.malformed");
  assert.equal(code(() => open({ roots: ["nonsense"] })), "anchors.malformed");
  assert.equal(code(() => open({ memory: "nonsense" })), "memory.malformed");
  const door = open();
  assert.equal(code(() => door.update("{}", { now })), "trust.malformed");
  assert.equal(code(() => door.applyDelta(new Uint8Array(4), { now })), "trust.delta-malformed");
  assert.equal(code(() => door.addPopulation(new Uint8Array(4))), "population.malformed");
  assert.equal(code(() => unpack("SLK1:00")), "presentation.malformed");
  assert.equal(code(() => pack("a.b.c")), "packed.impossible");
  for (const shown of ["", "~", "\u0000", "a".repeat(100_000), new Uint8Array([255, 254]), "SLK1:%%%"]) {
    const verdict = door.verify(shown, { now });
    assert.equal(verdict.verdict, "cannot tell", JSON.stringify(verdict));
  }
  assert.throws(() => door.verify("", {}), TypeError);
  assert.throws(() => door.verify("", { now: NaN }), TypeError);
  assert.throws(() => door.verify("", { now, holder: "nobody" }), TypeError);
  assert.throws(() => door.verify(7, { now }), TypeError);
  assert.equal(door.verify(text(live, "packed"), { now: 0 }).code, "trust.not-yet-valid");
  door.free();
});

test("memory goes on where it was", () => {
  const door = open();
  const again = new Verifier(door.bundle, { now, memory: door.memory });
  assert.deepEqual(again.trust, door.trust);
  again.update(first(live, "trust"), { now });
  assert.equal(again.memory, door.memory);
});

test("a wallet answers a challenge with a key that never leaves WebCrypto", async () => {
  const { shown, receipt } = unpack(first(live, "packed"));
  const issued = shown.slice(0, shown.lastIndexOf("~") + 1);
  assert.deepEqual(disclosures(issued), [{ name: "birthDate", value: "1990-03-01" }]);
  const bare = select(issued, []);
  assert.equal(bare.split("~").length, 2);
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const sign = (input) => webcrypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, input);
  const nonce = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  const answer = await bind(bare, { now, nonce, audience: "door 3", sign });
  const code = pack(answer, { receipt });
  assert.deepEqual(unpack(code, { audience: "door 3" }), { shown: answer, receipt });
  assert.deepEqual(unpack(code), { shown: bare, receipt }, "nobody asked");
  // The key is not the one in the credential.
  const verdict = open().verify(code, { now, holder: "challenge", nonce, audience: "door 3" });
  assert.deepEqual([verdict.verdict, verdict.code], ["not valid", "holder.signature"]);
  // Everything else about the token is right: it verifies under its own key.
  const [input, signature] = answer.slice(answer.lastIndexOf("~") + 1).split(/\.(?=[^.]*$)/);
  const verified = await webcrypto.subtle.verify(
    { name: "ECDSA", hash: "SHA-256" }, keys.publicKey, Buffer.from(signature, "base64url"), Buffer.from(input),
  );
  assert(verified);
});

test("a place says why not, and what comes next", () => {
  const refused = vector("verify", "place-not-accepted");
  const [jurisdiction, ...rest] = text(refused, "place").split(" ");
  const place = { jurisdiction, class: rest.join(" ") };
  const at = Number(new TextDecoder().decode(refused.parts.filter((part) => part.name === "now").at(-1).bytes));
  const door = new Verifier(first(refused, "trust"), { now: at });
  const verdict = door.verify(first(refused, "credential"), { now: at, place, receipt: first(refused, "receipt") });
  assert.equal(verdict.code, "rules.not-accepted");
  assert(verdict.unmet.length > 0 && verdict.unmet[0].texts.en.length > 0);
  const decision = door.unverifiedDecision(first(refused, "credential"), { now: at, place });
  assert.equal(decision.outcome, "not accepted");
  assert.deepEqual(decision.unmet, verdict.unmet);
  assert(door.trust.places.some((one) => one.jurisdiction === jurisdiction));
});
