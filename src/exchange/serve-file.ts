import type { Clock } from '../kit/clock.ts'
import { newCode, type Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database } from '../storage/sql/index.ts'
import { collectionStore } from './taxii/collections.ts'
import { taxiiFetch } from './taxii/fetch.ts'
import { loadServer } from './taxii/load.ts'
import { hashSecret, isSecret, readBasic } from './taxii/peer-door.ts'
import { taxiiServer, type TaxiiPeer } from './taxii/server.ts'
import { statusStore } from './taxii/status.ts'

/** A TAXII server over one file and one user, for trying out clients; `db` is empty and migrated. */
export async function serveFile(ctx: {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly newUuid: () => string
  readonly log: Log
  readonly text: string
  readonly user: string
  readonly secret: string
  readonly pageSize: number
}): Promise<{ fetch: (request: Request) => Promise<Response>; objects: number; roots: number }> {
  const collections = collectionStore(ctx)
  const statuses = statusStore(ctx)
  const loaded = await loadServer(ctx.text, { collections, statuses }, ctx.user)
  const peer: TaxiiPeer = {
    peer: ctx.user,
    sees: (id) => loaded.rights.has(id),
    reads: (id) => loaded.rights.get(id)?.reads ?? false,
    writes: (id) => loaded.rights.get(id)?.writes ?? false,
  }
  const hash = hashSecret(ctx.secret)
  const handle = taxiiServer({
    discovery: loaded.discovery,
    roots: loaded.roots,
    collections,
    statuses,
    clock: ctx.clock,
    log: ctx.log,
    pageSize: ctx.pageSize,
    maxContentLength: loaded.maxContentLength,
    check: 'shape',
    newErrorId: () => newCode('T', ctx.entropy),
    async authenticate(authorization) {
      const given = readBasic(authorization)
      const known = given !== undefined && given.user === ctx.user
      return isSecret(given?.secret ?? '', known ? hash : undefined) ? peer : undefined
    },
  })
  return { fetch: taxiiFetch(handle), objects: loaded.objects, roots: loaded.roots.length }
}
