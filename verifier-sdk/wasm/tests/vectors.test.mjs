// The module that is shipped, optimised, against the vectors that the native core runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SillokError, Verifier, load as ready, pack, unpack } from "../pkg/node.js";
import { all, first, load, text } from "./vectors.mjs";

await ready();

/** Opens the bundles of a vector one after another; the last may be refused. */
function enter(vector) {
  const bundles = all(vector, "trust").length;
  let [now, roots, threshold, memory, door, opened] = [0, [], 1, undefined, undefined, 0];
  for (const { name, bytes } of vector.parts) {
    const content = new TextDecoder().decode(bytes);
    if (name === "now") now = Number(content);
    if (name === "anchors") roots = content.trimEnd().split("\n");
    if (name === "threshold") threshold = Number(content);
    if (name === "trust") {
      opened += 1;
      try {
        door?.free();
        door = new Verifier(bytes, { now, roots, threshold, memory });
        memory = door.memory;
      } catch (refused) {
        if (!(refused instanceof SillokError) || opened < bundles) throw refused;
        return { now, refused, memory: refused.memory ?? memory };
      }
    }
    if (name === "population") attempt(() => door.addPopulation(bytes));
  }
  return { now, door, memory };
}

/** A file that is refused is as if it were not there. */
function attempt(call) {
  try {
    call();
  } catch (refused) {
    assert(refused instanceof SillokError, refused);
  }
}

function alarms(memory) {
  return (memory?.match(/^alarm/gm) ?? []).length;
}

function optionsOf(vector, now) {
  const place = text(vector, "place")?.split(" ");
  const nonce = text(vector, "nonce");
  return {
    now,
    holder: nonce === undefined ? (text(vector, "holder") === "live" ? "live code" : "not asked") : "challenge",
    nonce,
    audience: text(vector, "audience"),
    place: place && { jurisdiction: place[0], class: place.slice(1).join(" ") },
    receipt: first(vector, "receipt"),
    statuses: all(vector, "status"),
    once: true,
  };
}

function runTrust(vector) {
  const { door, refused } = enter(vector);
  door?.free();
  return refused ? `error ${refused.code}` : "ok";
}

function runVerify(vector) {
  const { now, door, refused } = enter(vector);
  if (refused) throw refused;
  const shown = first(vector, "packed") ?? first(vector, "credential");
  const before = text(vector, "shown");
  if (before !== undefined) {
    const verdict = door.verify(shown, optionsOf(vector, Number(before)));
    assert.equal(verdict.verdict, "valid", "it was not valid when it was shown before");
  }
  const { verdict, code } = door.verify(shown, optionsOf(vector, now));
  door.free();
  return code === undefined ? verdict : `${verdict} ${code}`;
}

function runPacked(vector) {
  const audience = text(vector, "audience");
  let unpacked;
  try {
    unpacked = unpack(first(vector, "packed"), { audience });
  } catch (refused) {
    return `error ${refused.code}`;
  }
  assert.equal(unpacked.shown, text(vector, "credential"));
  assert.deepEqual(unpacked.receipt, first(vector, "receipt"));
  const again = unpack(pack(unpacked.shown, { receipt: unpacked.receipt }), { audience });
  assert.deepEqual(again, unpacked);
  return "ok";
}

function check(topic, run, skip = () => false) {
  test(topic, () => {
    const vectors = load(topic);
    assert(vectors.length > 10);
    const failures = [];
    let ran = 0;
    for (const vector of vectors) {
      if (skip(vector)) continue;
      ran += 1;
      let found;
      try {
        found = run(vector);
      } catch (error) {
        found = error.stack;
      }
      if (found !== vector.expect) failures.push(`${vector.name}: expected ${vector.expect}, found ${found}`);
    }
    assert.deepEqual(failures, []);
    console.log(`${topic}: ${ran} of ${vectors.length} vectors`);
  });
}

check("trust", runTrust);
check("packed", runPacked);
// A door with less memory than this module's is a matter of the core.
check("verify", runVerify, (vector) => first(vector, "shown-limit") !== undefined);
check("attack", (vector) => (first(vector, "credential") ?? first(vector, "packed") ? runVerify(vector) : runTrust(vector)));
