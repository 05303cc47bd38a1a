/** One step from a leaf to the root: the hash beside it, on which side, and what both become. */
export type ProofStep = { readonly side: 'left' | 'right'; readonly beside: string; readonly becomes: string }
export type ProofVerdict = {
  readonly index: number
  readonly size: number
  readonly leaf: string
  readonly root: string
  readonly steps: readonly ProofStep[]
  /** The path ends in the signed root. */
  readonly fits: boolean
  /** The record shown is the one the leaf commits to. */
  readonly sameRecord: boolean
  /** Null where this browser knows no Ed25519. */
  readonly signed: boolean | null
  readonly hashes: number
  readonly ms: number
}

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0))
const textOf = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const join = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/**
 * Checks a C2SP tlog-proof in this browser, trusting nobody: the record against its leaf, the leaf's path (RFC 6962 §2.1)
 * against the root, the root's signature against the key. Throws when the text is no proof of ours.
 */
export async function checkProof(text: string, vkey: string, recordShown: string): Promise<ProofVerdict> {
  const began = performance.now()
  let hashes = 0
  const sha256 = async (data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> => {
    hashes++
    return new Uint8Array(await crypto.subtle.digest('SHA-256', data))
  }
  const cut = text.indexOf('\n\n')
  const [head, extraLine = '', indexLine = '', ...path] = text.slice(0, cut).split('\n')
  if (head !== 'c2sp.org/tlog-proof@v1' || !extraLine.startsWith('extra ')) throw new Error('no proof')
  const index = Number(indexLine.replace('index ', ''))
  const note = text.slice(cut + 2)
  const noteCut = note.indexOf('\n\n')
  const [, sizeLine = '', rootLine = ''] = note.split('\n')
  const size = Number(sizeLine)

  const extra = new TextDecoder().decode(bytesOf(extraLine.slice(6)))
  const record = extra.slice('{"record":'.length, extra.lastIndexOf(',"salt":'))
  const { salt } = JSON.parse(extra) as { salt: string }
  const { kind, id } = JSON.parse(record) as { kind: string; id: string }
  const commitment = textOf(await sha256(join(bytesOf(salt), utf8(record))))
  let at = await sha256(join(new Uint8Array([0]), utf8(`khien/1 ${kind} ${commitment}`)))
  const leaf = textOf(at)

  const steps: ProofStep[] = []
  let [fn, sn] = [BigInt(index), BigInt(size) - 1n]
  for (const line of path) {
    const beside = bytesOf(line)
    const left = (fn & 1n) === 1n || fn === sn
    at = await sha256(left ? join(new Uint8Array([1]), beside, at) : join(new Uint8Array([1]), at, beside))
    if (left) while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n]
    fn >>= 1n
    sn >>= 1n
    steps.push({ side: left ? 'left' : 'right', beside: line, becomes: textOf(at) })
  }
  return {
    index,
    size,
    leaf,
    root: rootLine,
    steps,
    fits: sn === 0n && textOf(at) === rootLine,
    sameRecord: id === recordShown,
    signed: await checkSignature(note.slice(0, noteCut + 1), note.slice(noteCut + 2), vkey),
    hashes,
    ms: performance.now() - began,
  }
}

/** C2SP signed note: `— name base64(key id ‖ signature)` over the text. */
async function checkSignature(text: string, lines: string, vkey: string): Promise<boolean | null> {
  const [name, , key = ''] = vkey.trim().split('+', 3) as [string, string, string | undefined]
  const rest = vkey.trim().slice(name.length + 1)
  const publicKey = bytesOf(rest.slice(rest.indexOf('+') + 1)).slice(1)
  const line = lines.split('\n').find((one) => one.startsWith(`— ${name} `))
  if (line === undefined || key === '') return false
  const signature = bytesOf(line.slice(`— ${name} `.length)).slice(4)
  try {
    const known = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', known, signature, utf8(text))
  } catch {
    return null
  }
}
