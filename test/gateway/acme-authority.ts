import { execFileSync } from 'node:child_process'
import { createHash, createPublicKey, randomBytes, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'

type Order = { id: string; names: string[]; status: string; certificate?: string }
type Proof = { order: Order; name: string; token: string; status: string }
type Payload = { readonly identifiers?: readonly { readonly value: string }[]; readonly csr?: string }
type Jws = { protected: string; payload: string; signature: string }

const part = <T>(text: string): T => JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as T

/**
 * A small certificate authority that speaks RFC 8555: signed requests with nonces used once, http-01 looked up at `gateway` for whatever
 * name, certificates of `days` signed by a key of its own.
 */
export async function startAuthority(folder: string, gateway: () => number, days: () => number) {
  const ca = makeCertificate(folder, 'ca.example', 'ca')
  const nonces = new Set<string>()
  const accounts = new Map<string, { key: KeyObject; thumbprint: string }>()
  const orders: Order[] = []
  const proofs: Proof[] = []
  let refuse = false

  function opened(body: string, url: string): { payload: Payload; account: string; jwk?: JsonWebKey } {
    const jws = JSON.parse(body) as Jws
    const head = part<{ url: string; nonce: string; kid?: string; jwk?: JsonWebKey; alg: string }>(jws.protected)
    if (!nonces.delete(head.nonce)) throw new Error('badNonce')
    if (head.url !== url || head.alg !== 'ES256') throw new Error('malformed')
    const key = head.jwk ? createPublicKey({ key: head.jwk, format: 'jwk' }) : accounts.get(head.kid!)?.key
    const signed = Buffer.from(`${jws.protected}.${jws.payload}`)
    const signature = Buffer.from(jws.signature, 'base64url')
    if (!key || !verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature))
      throw new Error('unauthorized')
    return {
      payload: jws.payload === '' ? {} : part(jws.payload),
      account: head.kid ?? '',
      ...(head.jwk ? { jwk: head.jwk } : {}),
    }
  }
  async function prove(proof: Proof, thumbprint: string): Promise<void> {
    const at = `http://127.0.0.1:${gateway()}/.well-known/acme-challenge/${proof.token}`
    const text = await (await fetch(at, { headers: { 'user-agent': 'authority' } })).text()
    proof.status = !refuse && text === `${proof.token}.${thumbprint}` ? 'valid' : 'invalid'
    const own = proofs.filter(({ order }) => order === proof.order)
    if (own.some(({ status }) => status === 'invalid')) proof.order.status = 'invalid'
    else if (own.every(({ status }) => status === 'valid')) proof.order.status = 'ready'
  }
  function issue(order: Order, csr: string): void {
    const at = join(folder, order.id)
    writeFileSync(`${at}.der`, Buffer.from(csr, 'base64url'))
    execFileSync('openssl', ['req', '-inform', 'DER', '-in', `${at}.der`, '-out', `${at}.csr`], { stdio: 'pipe' })
    const args = ['-req', '-in', `${at}.csr`, '-CA', ca.certificate, '-CAkey', ca.key, '-CAcreateserial']
    const out = execFileSync('openssl', ['x509', ...args, '-days', String(days()), '-copy_extensions', 'copy'], {
      stdio: 'pipe',
    })
    order.certificate = out.toString('latin1')
    order.status = 'valid'
  }

  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    req.on('end', () => void answer(req, res, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function answer(req: IncomingMessage, res: ServerResponse, body: string): Promise<void> {
    const nonce = randomBytes(12).toString('base64url')
    nonces.add(nonce)
    const send = (status: number, value: unknown, place?: string): void => {
      res.writeHead(status, { 'replay-nonce': nonce, ...(place ? { location: place } : {}) })
      res.end(typeof value === 'string' ? value : JSON.stringify(value))
    }
    const [, what = '', id = ''] = req.url!.split('/')
    const orderView = (order: Order): object => ({
      status: order.status,
      identifiers: order.names.map((value) => ({ type: 'dns', value })),
      authorizations: proofs.flatMap((proof, i) => (proof.order === order ? [`${origin}/authz/${i}`] : [])),
      finalize: `${origin}/finalize/${order.id}`,
      ...(order.certificate ? { certificate: `${origin}/certificate/${order.id}` } : {}),
    })
    const proofView = (proof: Proof, i: number): object => ({
      type: 'http-01',
      url: `${origin}/proof/${i}`,
      token: proof.token,
      status: proof.status,
      ...(proof.status === 'invalid'
        ? { error: { type: 'urn:ietf:params:acme:error:unauthorized', detail: 'The key authorization is not there' } }
        : {}),
    })
    try {
      if (what === 'directory')
        return send(
          200,
          Object.fromEntries(['newNonce', 'newAccount', 'newOrder'].map((name) => [name, `${origin}/${name}`])),
        )
      if (what === 'newNonce') return send(200, '')
      const { payload, account, jwk } = opened(body, origin + req.url!)
      const order = orders.find((one) => one.id === id)!
      const proof = proofs[Number(id)]!
      if (what === 'newAccount') {
        const { crv, kty, x, y } = jwk!
        const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
        const place = `${origin}/account/${thumbprint}`
        accounts.set(place, { key: createPublicKey({ key: jwk!, format: 'jwk' }), thumbprint })
        return send(201, { status: 'valid' }, place)
      }
      if (what === 'newOrder') {
        const names = payload.identifiers!.map(({ value }) => value)
        const made: Order = { id: `order-${orders.length}`, names, status: 'pending' }
        orders.push(made)
        for (const name of names)
          proofs.push({ order: made, name, token: randomBytes(16).toString('base64url'), status: 'pending' })
        return send(201, orderView(made), `${origin}/order/${made.id}`)
      }
      if (what === 'order') return send(200, orderView(order), `${origin}/order/${id}`)
      if (what === 'authz')
        return send(200, {
          status: proof.status,
          identifier: { type: 'dns', value: proof.name },
          challenges: [proofView(proof, Number(id))],
        })
      if (what === 'proof') {
        if (proof.status === 'pending') await prove(proof, accounts.get(account)!.thumbprint)
        return send(200, proofView(proof, Number(id)))
      }
      if (what === 'finalize' && order.status === 'ready') {
        issue(order, payload.csr!)
        return send(200, orderView(order), `${origin}/order/${id}`)
      }
      if (what === 'certificate') return send(200, order.certificate)
      throw new Error('malformed')
    } catch (error) {
      const type = `urn:ietf:params:acme:error:${error instanceof Error ? error.message : ''}`
      send(400, { type, detail: 'refused', status: 400 })
    }
  }
  return {
    directory: `${origin}/directory`,
    orders,
    accounts,
    /** From now on no proof holds. */
    refuse: (on: boolean) => (refuse = on),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
