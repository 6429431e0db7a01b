// The vector files of specs/vectors, as specs/README.md describes them.
import { readFileSync, readdirSync } from "node:fs";

const FOLDER = new URL("../../../specs/vectors/", import.meta.url);

/** Every file of a topic, by name. */
export function load(topic) {
  const folder = new URL(`${topic}/`, FOLDER);
  const names = readdirSync(folder).filter((name) => name.endsWith(".txt")).sort();
  return names.map((name) => parse(`${topic}/${name}`, readFileSync(new URL(name, folder))));
}

/** Bytes are kept as they are: parts need not be UTF-8 characters on each side of a cut. */
function parse(name, file) {
  const text = file.toString("latin1");
  const end = text.indexOf("\n\n");
  const header = /^expect: (.*)\nspec: (.*)\ncomment: (.*)$/.exec(text.slice(0, end));
  if (!header || !text.startsWith("-- ", end + 2) || !text.endsWith("\n")) throw new Error(`${name} is no vector`);
  const parts = text.slice(end + 5, -1).split("\n-- ").map((part) => {
    const [, title, content] = /^(\S+(?: \S+)*) --(?:\n([\s\S]*))?$/.exec(part);
    return content_of(title, content);
  });
  return { name, expect: header[1], parts };
}

function content_of(title, content) {
  if (title.endsWith(".hex")) {
    return { name: title.slice(0, -4), bytes: Buffer.from((content ?? "").replace(/\s/g, ""), "hex") };
  }
  if (title.endsWith(".line")) return { name: title.slice(0, -5), bytes: Buffer.from(content, "latin1") };
  return { name: title, bytes: Buffer.from(content === undefined ? "" : `${content}\n`, "latin1") };
}

export function first(vector, name) {
  return all(vector, name)[0];
}

export function all(vector, name) {
  return vector.parts.filter((part) => part.name === name).map((part) => new Uint8Array(part.bytes));
}

export function text(vector, name) {
  const bytes = first(vector, name);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
