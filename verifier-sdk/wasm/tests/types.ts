// Compiled, never run: the types say what the scripts do.
import { SillokError, Verifier, bind, disclosures, load, pack, select, unpack, type Verdict } from "../pkg/index.js";

declare function keep(memory: string, bundle: Uint8Array): Promise<void>;

export async function door(bundle: string, scanned: string): Promise<string> {
  await load();
  const now = Math.floor(Date.now() / 1000);
  const verifier = new Verifier(bundle, { now, roots: [], threshold: 1 });
  const verdict: Verdict = verifier.verify(scanned, { now, holder: "live code", once: true });
  await keep(verifier.memory, verifier.bundle);
  if (verdict.verdict === "valid") {
    const { facts } = verdict;
    // @ts-expect-error a valid verdict has no reason
    verdict.reason;
    return `${facts.issuer} ${facts.validUntil ?? "for ever"} ${facts.holder.proof} ${facts.place?.localDate}`;
  }
  // @ts-expect-error claims exist only when all is valid
  verdict.facts;
  // @ts-expect-error there is no clock inside
  verifier.verify(scanned, {});
  return `${verdict.code}: ${verdict.reason} ${verdict.unmet?.map((rule) => rule.texts["ko"])}`;
}

export async function wallet(issued: string, receipt: Uint8Array, key: CryptoKey): Promise<string> {
  const kept = disclosures(issued).flatMap(({ name }, place) => (name === "birthDate" ? [place] : []));
  const nonce = "AAAAAAAAAAAAAAAAAAAAAA";
  const sign = (input: Uint8Array<ArrayBuffer>) => crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, input);
  const shown = await bind(select(issued, kept), { now: 0, nonce, sign });
  try {
    return unpack(pack(shown, { receipt })).shown;
  } catch (error) {
    return error instanceof SillokError ? error.code : "";
  }
}
