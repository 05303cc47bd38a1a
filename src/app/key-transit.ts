import { StartError } from '../kit/errors.ts'

const TIMEOUT_MS = 10_000
const LONGEST = 65_536

export type TransitAddress = { readonly address: string; readonly key: string; readonly token: string }

/**
 * The Transit engine of Vault and OpenBao (`POST /v1/transit/encrypt/:key`, `…/decrypt/:key`, header X-Vault-Token), or
 * whatever speaks like it. Errors: `key/transit`, a sentence without the token.
 */
export function openTransit({ address, key, token }: TransitAddress) {
  const base = new URL(address)
  const local = /^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(base.hostname)
  if (base.protocol !== 'https:' && !(base.protocol === 'http:' && local))
    throw wrong('its address must begin with https://, or http:// on this host')

  async function ask(verb: 'encrypt' | 'decrypt', body: object): Promise<Record<string, unknown>> {
    let answer: Response
    let text: string
    try {
      answer = await fetch(new URL(`/v1/transit/${verb}/${key}`, base), {
        method: 'POST',
        headers: { 'x-vault-token': token, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      text = await answer.text()
    } catch (cause) {
      throw wrong(`${base.host} does not answer`, cause)
    }
    if (answer.status === 403) throw wrong(`${base.host} refuses this token`)
    if (!answer.ok || text.length > LONGEST) throw wrong(`${base.host} answers ${answer.status}`)
    try {
      const { data } = JSON.parse(text) as { data: unknown }
      if (typeof data === 'object' && data !== null) return data as Record<string, unknown>
    } catch (cause) {
      throw wrong(`${base.host} answers what is no Transit engine's answer`, cause)
    }
    throw wrong(`${base.host} answers what is no Transit engine's answer`)
  }

  return {
    async encrypt(secret: Uint8Array): Promise<string> {
      const { ciphertext } = await ask('encrypt', { plaintext: Buffer.from(secret).toString('base64') })
      if (typeof ciphertext !== 'string') throw wrong('it gave no ciphertext')
      return ciphertext
    },
    async decrypt(ciphertext: string): Promise<Uint8Array> {
      const { plaintext } = await ask('decrypt', { ciphertext })
      if (typeof plaintext !== 'string') throw wrong('it gave no plaintext')
      return Uint8Array.from(Buffer.from(plaintext, 'base64'))
    },
  }
}

const wrong = (why: string, cause?: unknown): StartError =>
  new StartError('key/transit', `The Transit engine: ${why}.`, cause === undefined ? {} : { cause })
