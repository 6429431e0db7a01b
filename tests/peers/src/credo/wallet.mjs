// The wallet: an agent of credo-ts as a holder. `wallet.mjs FILE` keeps what it has in FILE, reads one command a line on standard input (a
// JSON object whose `do` names it), and answers each with one line of JSON; `{"failed": ..}` if credo-ts threw.

import 'reflect-metadata'
import readline from 'node:readline'
import { Agent, ClaimFormat, Kms, W3cJwtVerifiableCredential, W3cPresentation } from '@credo-ts/core'
import { NodeKeyManagementService, agentDependencies } from '@credo-ts/node'
import { OpenId4VcModule } from '@credo-ts/openid4vc'
import { checkMetadata, checkSdJwt } from './opinion.mjs'
import { Store } from './store.mjs'

const store = new Store(process.argv[2])

/** What came over the wire since the last command: credo-ts drops members of answers that it does not know. */
let heard = []

async function listen(url, init) {
  const response = await fetch(url, init)
  const body = await response.clone().json().catch(() => undefined)
  heard.push({ url: String(url), status: response.status, body })
  return response
}

const agent = new Agent({
  config: { autoUpdateStorageOnStartup: true },
  dependencies: { ...agentDependencies, fetch: listen },
  modules: {
    kms: new Kms.KeyManagementModule({ backends: [new NodeKeyManagementService(store.keys())] }),
    openid4vc: new OpenId4VcModule({}),
    store: store.module(),
  },
})

const TYPES = { EdDSA: { kty: 'OKP', crv: 'Ed25519' }, ES256: { kty: 'EC', crv: 'P-256' } }

/** New keys, in the form that the issuer is to be told of them: `jwk`, `did:jwk` or `did:key`. */
async function bind({ binding, keys, algorithm }) {
  const made = await Promise.all(Array.from({ length: keys }, () => agent.kms.createKey({ type: TYPES[algorithm] })))
  if (binding === 'jwk') {
    return { method: 'jwk', keys: made.map(({ publicJwk }) => Kms.PublicJwk.fromPublicJwk(publicJwk)) }
  }
  const method = binding.slice('did:'.length)
  const dids = await Promise.all(made.map(({ keyId }) => agent.dids.create({ method, options: { keyId } })))
  const failed = dids.find(({ didState }) => didState.state !== 'finished')
  if (failed) throw new Error(`no ${binding}: ${failed.didState.reason}`)
  return { method: 'did', didUrls: dids.map(({ didState }) => didState.didDocument.assertionMethod[0]) }
}

const STORES = {
  SdJwtVcRecord: (record) => agent.sdJwtVc.store({ record }),
  W3cCredentialRecord: (record) => agent.w3cCredentials.store({ record }),
}

const credentials = (record) => record.credentialInstances.map((each) => each.compactSdJwtVc ?? each.credential)

/** What the issuer has deferred, until it is collected. */
let pending = []

/** Reads the offer, gets a token and the credentials, and stores them. */
async function obtain({ offer, txCode, binding, keys = 1, algorithm = 'ES256' }) {
  const { holder } = agent.openid4vc
  const resolvedCredentialOffer = await holder.resolveCredentialOffer(offer)
  const { metadata: issuerMetadata } = resolvedCredentialOffer
  const token = await holder.requestToken({ resolvedCredentialOffer, txCode })
  const { accessToken } = token
  const credentialBindingResolver = () => bind({ binding, keys, algorithm })
  const got = await holder.requestCredentials({ resolvedCredentialOffer, ...token, credentialBindingResolver })
  pending = got.deferredCredentials.map((deferred) => ({ ...deferred, accessToken, issuerMetadata }))
  return keep(got.credentials, accessToken, issuerMetadata)
}

/** Asks once for each that is deferred. */
async function collect() {
  const [waiting, stored] = [[], []]
  for (const each of pending) {
    const got = await agent.openid4vc.holder.requestDeferredCredentials(each)
    if (got.deferredCredentials.length > 0) waiting.push(each)
    stored.push(...(await keep(got.credentials, each.accessToken, each.issuerMetadata)).stored)
  }
  pending = waiting
  return { stored, deferred: pending.length }
}

/** Stores credentials, and tells the issuer if it wants to know. */
async function keep(obtained, accessToken, metadata) {
  const stored = []
  let notified = 0
  for (const { record, notificationId, credentialConfigurationId } of obtained) {
    await STORES[record.type](record)
    stored.push({ record: record.id, configuration: credentialConfigurationId, credentials: credentials(record) })
    if (notificationId) {
      const notificationEvent = 'credential_accepted'
      await agent.openid4vc.holder.sendNotification({ metadata, notificationId, accessToken, notificationEvent })
      notified += 1
    }
  }
  return { stored, notified, deferred: pending.length }
}

/** Ids, formats and claims of all that is stored. */
async function list() {
  const sdJwt = (await agent.sdJwtVc.getAll()).map(({ id, credentialInstances, firstCredential: { prettyClaims } }) => (
    { record: id, format: 'dc+sd-jwt', instances: credentialInstances.length, claims: prettyClaims }
  ))
  const jwt = (await agent.w3cCredentials.getAll()).map(({ id, credentialInstances, firstCredential: { jsonCredential } }) => (
    { record: id, format: 'jwt_vc_json', instances: credentialInstances.length, claims: jsonCredential }
  ))
  return { records: [...sdJwt, ...jwt] }
}

/** An SD-JWT VC with the disclosures of `frame` and a key-binding token for whoever asked. */
async function present({ record, instance = 0, frame, nonce, audience }) {
  const { credentialInstances } = await agent.sdJwtVc.getById(record)
  const { compactSdJwtVc, kmsKeyId } = credentialInstances[instance]
  const verifierMetadata = { audience, nonce, issuedAt: Math.floor(Date.now() / 1000) }
  const sdJwtVc = { ...agent.sdJwtVc.fromCompact(compactSdJwtVc), kmsKeyId }
  return { presentation: await agent.sdJwtVc.present({ sdJwtVc, presentationFrame: frame, verifierMetadata }) }
}

/**
 * A presentation of a VC 1.1 in a JWT (`jwt_vp`), by the DID that is its subject. credo-ts checks it as well, but for the status: it knows
 * none of such a credential.
 */
async function presentJwt({ record, nonce, audience }) {
  const [credential] = credentials(await agent.w3cCredentials.getById(record)).map(W3cJwtVerifiableCredential.fromSerializedJwt)
  const [holder] = credential.credentialSubjectIds
  const document = await agent.dids.resolveDidDocument(holder)
  const [verificationMethod] = document.authentication
  const signed = await agent.w3cCredentials.signPresentation({
    format: ClaimFormat.JwtVp, alg: 'ES256', challenge: nonce, domain: audience, verificationMethod,
    presentation: new W3cPresentation({ holder, verifiableCredential: [credential] }),
  })
  const checked = await agent.w3cCredentials.verifyPresentation({
    presentation: signed, challenge: nonce, domain: audience, verifyCredentialStatus: false,
  })
  return { presentation: signed.serializedJwt ?? signed.encoded, valid: checked.isValid, why: String(checked.error ?? '') }
}

/** The answer to an OpenID4VP request over the Digital Credentials API: the wallet finds what the DCQL query asks for. */
async function answer({ query, nonce, origin }) {
  const { holder } = agent.openid4vc
  const request = { response_type: 'vp_token', response_mode: 'dc_api', nonce, dcql_query: query }
  const resolved = await holder.resolveOpenId4VpAuthorizationRequest(request, { origin })
  const chosen = holder.selectCredentialsForDcqlRequest(resolved.dcql.queryResult)
  const { authorizationRequestPayload } = resolved
  const response = await holder.acceptOpenId4VpAuthorizationRequest({
    authorizationRequestPayload, origin, dcql: { credentials: chosen },
  })
  return { vpToken: response.authorizationResponsePayload.vp_token }
}

const COMMANDS = {
  answer, collect, list, obtain, present, presentJwt, checkSdJwt, checkMetadata,
  credo: async ({ presentation, nonce, audience }) => {
    const result = await agent.sdJwtVc.verify({ compactSdJwtVc: presentation, keyBinding: { nonce, audience } })
    return { valid: result.isValid, why: String(result.error ?? '') }
  },
}

await agent.initialize()
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: name, ...options } = JSON.parse(line)
  heard = []
  const outcome = await COMMANDS[name](options).catch((error) => ({ failed: error.stack ?? String(error) }))
  process.stdout.write(`${JSON.stringify({ ...outcome, heard })}\n`)
}
await agent.shutdown()
