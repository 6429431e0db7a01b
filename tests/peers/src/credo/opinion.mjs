// Second opinions, beside credo-ts: the metadata by the schemas of @openid4vc/openid4vci, all of them and not only what a wallet reads, and
// credentials and presentations by sd-jwt-js alone, with the key from `/.well-known/jwt-vc-issuer`.

import { createHash, createPublicKey, verify } from 'node:crypto'
import { Openid4vciClient } from '@openid4vc/openid4vci'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'

const read = async (url) => (await fetch(url)).json()

/** Parses the metadata of issuer and authorization server, and tells which credential configurations are well formed. */
export async function checkMetadata({ issuer }) {
  const client = new Openid4vciClient({ callbacks: { fetch } })
  const { credentialIssuer, knownCredentialConfigurations, originalDraftVersion } = await client.resolveIssuerMetadata(issuer)
  const configurations = Object.entries(credentialIssuer.credential_configurations_supported).map(([id, { format }]) => (
    { id, format, known: id in knownCredentialConfigurations }
  ))
  return { configurations, version: originalDraftVersion }
}

/** Verifies an SD-JWT VC, or a presentation of one to `nonce`. */
export async function checkSdJwt({ presentation, issuer, nonce }) {
  const { jwks } = await read(`${issuer}/.well-known/jwt-vc-issuer`)
  const [header, payload] = presentation.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')))
  const signedBy = jwks.keys.find(({ kid }) => header.kid.endsWith(kid))
  const sdJwt = new SDJwtVcInstance({
    hasher: (data, algorithm) => createHash(algorithm.replace('-', '')).update(data).digest(),
    verifier: checker(signedBy),
    kbVerifier: checker(payload.cnf.jwk),
  })
  const checked = await sdJwt.verify(presentation, { requiredClaimKeys: ['vct'], keyBindingNonce: nonce })
  const claims = await sdJwt.getClaims(presentation)
  return { typ: checked.header.typ, claims, kb: checked.kb?.payload }
}

function checker(jwk) {
  const key = createPublicKey({ format: 'jwk', key: jwk })
  const hash = jwk.kty === 'EC' ? 'sha256' : null
  return (input, signature) => (
    verify(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
  )
}
