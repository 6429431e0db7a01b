// Ours. Iterator helpers came with Node 22; the suite maps over one iterator, and Node 20 is what many have.
const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
prototype.map ??= function* map(change) {
  for(const value of this) {
    yield change(value);
  }
};
