import { createHash, randomUUID } from 'node:crypto'
import { signatureCheck } from '../engine/seal/index.ts'
import { openNote, parseVerifierKey } from '../engine/tlog/index.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import type { ExchangeContext } from './context.ts'
import type { Tlp } from './contract.ts'
import { FROM_FILE, type DigestService } from './digest.ts'
import { unknownIndicator, type IndicatorService } from './indicators.ts'
import type { IndicatorStore } from './indicator-store.ts'
import type { PeerService } from './peers.ts'
import type { Places } from './places.ts'
import type { ExchangeTables } from './store.ts'
import type { CollectionStore } from './taxii/collections.ts'
import { nameOf } from './taxii/object.ts'
import { TLP2_MARKINGS, tlpOfRank, withheldFrom, type StixObject } from './tlp.ts'
import type { TransferLog } from './transfers.ts'

const HEAD = 'khien/stix-bundle'
const LARGEST = 12_582_912
const OBJECTS = 10_000
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/**
 * Signed files for a neighbour without Khiên: a STIX 2.1 bundle and, apart from it, a C2SP signed note of three lines,
 * `khien/stix-bundle`, the SHA-256 of the bundle's bytes in Base64 and the number of objects.
 */
export function fileService(parts: {
  readonly ctx: ExchangeContext
  readonly store: IndicatorStore
  readonly indicators: IndicatorService
  readonly peers: PeerService
  readonly digest: DigestService
  readonly collections: CollectionStore
  readonly places: Places
  readonly identity: StixObject
  readonly transfers: TransferLog
}) {
  const { ctx, store, indicators, peers, digest, collections, places, identity, transfers } = parts
  const rows = () => ctx.db.tables<ExchangeTables>()

  /** What is above `maxTlp` is left out and counted. Errors: 404 `exchange/unknown-indicator`, 400 `nothing-to-export`. */
  async function exportFile(ids: readonly string[], maxTlp: Tlp, actor: string) {
    const startedAt = ctx.clock()
    const chosen = await Promise.all([...new Set(ids)].map((id) => store.one(id)))
    if (chosen.includes(undefined)) throw unknownIndicator()
    const found = chosen.filter((row) => row !== undefined)
    const free = found.filter((row) => withheldFrom(row.tlp, { maxTlp, own: false }) === undefined)
    if (free.length === 0)
      throw badRequest(
        'exchange/nothing-to-export',
        `Nothing of this is free to leave at TLP:${maxTlp}.`,
        'body.maxTlp',
      )
    const ranks = [...new Set(free.map((row) => row.tlp))]
    const objects: StixObject[] = [
      identity,
      ...ranks.map((rank) => TLP2_MARKINGS[tlpOfRank(rank) ?? 'red']),
      ...free.map(indicators.objectOf),
    ]
    const bundle = `${JSON.stringify({ type: 'bundle', id: `bundle--${randomUUID()}`, objects }, null, 1)}\n`
    const signature = ctx.signNote(noteText(Buffer.from(bundle), objects.length))
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      for (const row of free) await store.note(trx, row.id, 'exported', actor)
      await ctx.record(trx, [
        {
          kind: 'exchange.exported',
          actor,
          result: 'done',
          facts: { indicators: free.length, withheld: found.length - free.length, tlp: maxTlp },
        },
      ])
    })
    await transfers.keep(null, 'file-out', startedAt, {
      objects: objects.length,
      accepted: objects.length,
      failed: found.length - free.length,
      bytes: bundle.length,
    })
    return {
      name: `khien-indicators-${new Date(startedAt).toISOString().slice(0, 10)}.json`,
      bundle,
      signature,
      vkey: ctx.vkey,
      objects: objects.length,
      withheld: found.length - free.length,
    }
  }

  /**
   * Takes in a bundle whose signature verifies under the key; objects go the way of all that comes in.
   * Errors: 422 `exchange/bad-signature` (counted), `not-a-bundle`, 400 `bad-key`.
   */
  async function importFile(
    bytes: Uint8Array,
    signature: string,
    from: { readonly vkey?: string | undefined; readonly peer?: string | undefined },
    actor: string,
  ) {
    const startedAt = ctx.clock()
    const peer = from.peer === undefined ? undefined : await peers.one(from.peer)
    if (from.peer !== undefined && peer === undefined)
      throw badRequest('exchange/unknown-peer', 'There is no peer of this id.', 'body.peer')
    const vkey = from.vkey ?? peer?.vkey ?? undefined
    const key = vkey === undefined ? undefined : parseVerifierKey(sha256, vkey)
    if (key === undefined)
      throw badRequest(
        'exchange/bad-key',
        'vkey: expected the neighbour’s key, name+id+base64, or a peer with one.',
        'body.vkey',
      )
    if (bytes.length > LARGEST) throw tooLarge()
    const opened = openNote(signature, [{ ...key, verify: signatureCheck(key.publicKey) }])
    const objects = opened === undefined ? undefined : signedObjects(opened.text, bytes)
    if (objects === undefined) return refuse(startedAt, bytes.length, actor)
    // Who signs with a peer's key is that peer, and all who sign with another are told apart: each may change its own.
    const signer = peer ?? (await peers.list()).find((each) => each.vkey === vkey)
    const source = signer?.id ?? `${FROM_FILE}:${Buffer.from(sha256(Buffer.from(vkey!))).toString('hex', 0, 8)}`
    const outcomes = await collections.add(places.files.id, objects, { check: 'stix', source })
    await digest.digest()
    const failures = outcomes.filter((each) => each.failed).map(({ id, message }) => ({ id, message: message ?? '' }))
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      await ctx.record(trx, [
        {
          kind: 'exchange.imported',
          actor,
          result: 'done',
          facts: { objects: objects.length, failed: failures.length, key: Buffer.from(key.id).toString('hex') },
        },
      ])
    })
    await transfers.keep(peer?.id ?? null, 'file-in', startedAt, {
      objects: objects.length,
      accepted: objects.length - failures.length,
      failed: failures.length,
      bytes: bytes.length,
    })
    return {
      objects: objects.length,
      accepted: objects.length - failures.length,
      failures,
      indicators: await made(objects),
    }
  }

  async function refuse(startedAt: number, bytes: number, actor: string): Promise<never> {
    const error = new KhienError(
      'exchange/bad-signature',
      'The signature is not this key’s over this file; ask the neighbour for both again.',
      { status: 422, field: 'body.signature' },
    )
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      await store.count(trx, 'file-refused')
      await ctx.record(trx, [{ kind: 'exchange.import-refused', actor, result: 'refused', facts: { bytes } }])
    })
    await transfers.keep(null, 'file-in', startedAt, { objects: 0, accepted: 0, failed: 1, bytes, error })
    throw error
  }

  const refused = (): Promise<number> => store.counted('file-refused')

  async function made(objects: readonly unknown[]): Promise<string[]> {
    const ids = objects.map((object) => nameOf(object)?.id).filter((id) => id?.startsWith('indicator--')) as string[]
    const found: string[] = []
    for (let from = 0; from < ids.length; from += 500) {
      const part = await rows()
        .selectFrom('indicator')
        .select('id')
        .where('stix_id', 'in', ids.slice(from, from + 500))
        .execute()
      found.push(...part.map((row) => row.id))
    }
    return found
  }

  return { exportFile, importFile, refused }
}
export type FileService = ReturnType<typeof fileService>

const noteText = (bytes: Uint8Array, objects: number): string =>
  `${HEAD}\n${Buffer.from(sha256(bytes)).toString('base64')}\n${objects}\n`

/** The objects of a bundle that is the one the note names; undefined when the note is about other bytes. */
function signedObjects(text: string, bytes: Uint8Array): readonly unknown[] | undefined {
  const count = Number(/\n(\d{1,6})\n$/.exec(text)?.[1])
  if (text !== noteText(bytes, count)) return undefined
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw notABundle()
  }
  const { type, objects } = (value ?? {}) as { type?: unknown; objects?: unknown }
  if (type !== 'bundle' || !Array.isArray(objects) || objects.length === 0) throw notABundle()
  if (objects.length > OBJECTS) throw tooLarge()
  return objects as readonly unknown[]
}

const notABundle = (): KhienError =>
  new KhienError('exchange/not-a-bundle', 'The file is not a STIX 2.1 bundle in JSON.', {
    status: 422,
    field: 'body.bundle',
  })
const tooLarge = (): KhienError =>
  new KhienError('exchange/too-large', `A file has at most ${LARGEST} bytes and ${OBJECTS} objects.`, {
    status: 413,
    field: 'body.bundle',
  })
