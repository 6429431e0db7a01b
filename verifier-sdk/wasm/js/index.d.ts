// Sillok verifier. Every time is in whole seconds since 1970; `now` is always given, as there is no clock inside.

/** Makes the module ready; once is enough. Without `source` it is taken from beside this file. */
export function load(source?: URL | Response | BufferSource | WebAssembly.Module): Promise<void>;

/** The version of the module, as in package.json. */
export function version(): string;

/** A text, or its bytes. */
export type Text = string | Uint8Array | ArrayBuffer;

/** Thrown where a bundle, a file or an argument is refused; never for what somebody shows. */
export class SillokError extends Error {
  /** Stable; see specs/trust-bundle.md and specs/presentation.md. */
  readonly code: string;
  /** To be kept in place of the memory that was given: it has an alarm. */
  readonly memory?: string;
}

export interface VerifierOptions {
  now: number;
  /** Verifier keys of which `threshold` must have signed the bundle. Without any it is trusted because you name it. */
  roots?: string[];
  threshold?: number;
  /** What `Verifier.memory` was the last time. */
  memory?: string;
}

/** A door with one trust bundle. Keep `memory` and `bundle` after every call: they must not go back. */
export class Verifier {
  /** @throws {SillokError} the bundle is refused */
  constructor(bundle: Text, options: VerifierOptions);
  /** Decides, whatever is shown: the text of a QR code (`SLK1:`), a credential, or a presentation. */
  verify(shown: Text, options: VerifyOptions): Verdict;
  /** What a place decides about claims that nobody has checked: for the holder, never for a door. */
  unverifiedDecision(shown: Text, options: { now: number; place: PlaceName }): Decision;
  /** A later bundle in place of the present one. @throws {SillokError} it is refused, and the present one stays */
  update(bundle: Text, options: { now: number }): void;
  /** What a delta makes of the present bundle in place of it. @throws {SillokError} */
  applyDelta(delta: Text, options: { now: number }): void;
  /** Takes states of status lists from a population file, and says of how many lists. @throws {SillokError} */
  addPopulation(file: Text): number;
  readonly memory: string;
  readonly bundle: Uint8Array;
  readonly trust: TrustInfo;
  /** Gives the memory of the module back. */
  free(): void;
}

export interface PlaceName {
  jurisdiction: string;
  class: string;
}

export interface VerifyOptions {
  now: number;
  /** What is asked of whoever shows it; without it staff compare the person. */
  holder?: "not asked" | "live code" | "challenge";
  /** Of the challenge: 16 bytes in base64url, new for each presentation. */
  nonce?: string;
  /** Of the challenge: the door's name. */
  audience?: string;
  /** Admit each code once: this verifier remembers those of the last two minutes. */
  once?: boolean;
  /** Whose rules decide in the end. */
  place?: PlaceName;
  /** Of a credential that is shown as text: its receipt. */
  receipt?: Text;
  /** Status files that are newer than the bundle, at most 64. */
  statuses?: Text[];
}

/** Only `valid` admits. `not valid` is evidence of a wrong; `cannot tell` is evidence that is missing, stale or unreadable. */
export type Verdict =
  | { verdict: "valid"; facts: Facts }
  | {
      verdict: "not valid" | "cannot tell";
      /** Stable; see specs/verification.md. */
      code: string;
      /** A sentence in English. */
      reason: string;
      /** With `rules.not-accepted`: which rules of the place are not met. */
      unmet?: UnmetRule[];
    };

export interface Facts {
  /** What was signed and shown: the payload, with the disclosed members in their places. */
  claims: { [member: string]: unknown };
  issuer: string;
  /** Thumbprint of the key that verified the signature, in base64url. */
  kid: string;
  /** The log, and where in it the issuance is. */
  origin: string;
  index: number;
  checkpointSize: number;
  witnesses: "none asked" | "quorum cosigned";
  /** Whether enough of `roots` signed the bundle. */
  anchored: boolean;
  status: { uri: string; sequence: number; notAfter: number };
  holder:
    | { proof: "not asked" }
    /** `token` is SHA-256 of what the holder signed, in hexadecimal: the same for every copy of the code. */
    | { proof: "live code" | "answered the challenge"; issued: number; token: string };
  place: AcceptedAt | null;
  validFrom: number;
  /** The first second at which it is valid no more. */
  validUntil: number | null;
  /** By how many seconds the clock is behind, from 30 on: warn. */
  clockBehind: number | null;
}

export interface AcceptedAt {
  jurisdiction: string;
  class: string;
  ruleSet: number;
  /** The date at the place, YYYY-MM-DD. */
  localDate: string;
  rules: string[];
  next?: NextChange;
}

export type Outcome = "accepted" | "not accepted" | "cannot tell";

export type NextChange = { changesAt: number; becomes: Outcome } | { sameUntil: number };

export interface UnmetRule {
  rule: string;
  version: number;
  /** The code of its reason, of the rule set. */
  code: string;
  /** By language. */
  texts: { [language: string]: string };
}

export type Decision =
  | { outcome: "accepted"; next: NextChange; rules: string[] }
  | { outcome: "not accepted"; next: NextChange; unmet: UnmetRule[] }
  | { outcome: "cannot tell"; next: NextChange; code: string };

export interface Period {
  sequence: number;
  issued: number;
  /** The last second at which it is relied on. */
  notAfter: number;
}

export interface TrustInfo {
  anchored: boolean;
  authority: string;
  witnesses: "none asked" | "quorum cosigned";
  root: Period;
  feed: Period;
  issuers: { id: string; name: string }[];
  places: {
    jurisdiction: string;
    ruleSet: number;
    name: { [language: string]: string };
    classes: { class: string; name: { [language: string]: string } }[];
  }[];
  /** Leaves below this one are proved by landmark. */
  newestLandmarkSize: number | null;
  /** Logs that said two things: both texts, to be reported. */
  alarms: { kind: string; first: string; second: string }[];
}

/** The text of one QR code, for level L. @throws {SillokError} `packed.impossible`: show it in several codes, or as text */
export function pack(shown: Text, options?: { receipt?: Text }): string;

/** What is in the text of a QR code. `audience` is the name in the challenge that it answers. @throws {SillokError} */
export function unpack(text: Text, options?: { audience?: string }): { shown: string; receipt?: Uint8Array };

/** What a credential hides, as it was issued: members have a name, items of arrays none. @throws {SillokError} */
export function disclosures(issued: string): { name?: string; value: unknown }[];

/** The credential with the disclosures at these places, and without the others. @throws {SillokError} */
export function select(issued: string, keep: Iterable<number>): string;

export interface BindOptions {
  now: number;
  /** A challenge's, or 16 random bytes of the wallet's own in base64url. */
  nonce: string;
  /** The door's name in its challenge; without it, a live code. */
  audience?: string;
  /** Of the holder's key; ES256 if it is not given. */
  algorithm?: "ES256" | "EdDSA";
  /** Signs with the holder's key: 64 bytes, as WebCrypto gives them. */
  sign(input: Uint8Array): BufferSource | Promise<BufferSource>;
}

/** A presentation that ends in `~`, with the key-binding token of now behind it. @throws {SillokError} */
export function bind(shown: string, options: BindOptions): Promise<string>;
