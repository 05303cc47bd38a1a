import { mkdtempSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { BackupStatus } from '../../src/backup/index.ts'
import { drill } from '../../src/app/keeping/drill.ts'
import { restore, type Restored } from '../../src/app/keeping/restore.ts'
import { obtainKey } from '../../src/app/node-key.ts'
import { secretsOf, type Secrets } from '../../src/app/secrets.ts'
import { createKhien, newSubject } from '../../src/client/index.ts'
import type { KeyBundle } from '../../src/engine/seal/index.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import type { RunningNode } from '../running-node.ts'

export const folder = (name: string): string => mkdtempSync(join(tmpdir(), `khien-${name}-`))

/** Two folders apart, for data and keys. */
export const twoPlaces = () => ({ to: folder('bak'), keysTo: folder('keys') })

/** Asks the node as `khien` does, over its socket. */
export function duty(socket: string, name: string, body: unknown): Promise<Record<string, unknown>> {
  const text = JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asking = request({ socketPath: socket, path: `/duties/${name}`, method: 'POST', headers }, (answer) => {
      let got = ''
      answer.setEncoding('utf8').on('data', (piece: string) => (got += piece))
      answer.on('end', () => {
        const json = JSON.parse(got) as Record<string, unknown>
        if (answer.statusCode === 200) resolve(json)
        else reject(Object.assign(new Error(String(json['detail'])), { code: json['code'] }))
      })
    })
    asking.on('error', reject)
    asking.end(text)
  })
}

export async function madeBy(
  node: { readonly socket: string },
  places: { readonly to: string; readonly keysTo: string },
  more: { keepKeys?: number; rate?: number } = {},
): Promise<BackupStatus> {
  const { to, keysTo } = places
  await duty(node.socket, 'backup', { to, keysTo, keepKeys: 30, rate: 1_000, ...more })
  for (;;) {
    const status = (await duty(node.socket, 'backup-status', {})) as unknown as BackupStatus
    if (status.state !== 'making') return status
    await wait(20)
  }
}

export async function keyOf(nodeFolder: string, role = 'platform'): Promise<{ bundle: KeyBundle; secrets: Secrets }> {
  const bundle = (await obtainKey({ folder: nodeFolder, key: { from: 'demo' } } as Parameters<typeof obtainKey>[0]))!
  return { bundle, secrets: secretsOf(bundle, role, systemEntropy) }
}

type Wish = Partial<Parameters<typeof restore>[0]>

/** Restores into a new data folder with the key.json of `nodeFolder`; answers where. */
export async function restored(
  nodeFolder: string,
  places: { readonly to: string; readonly keysTo: string },
  wish: Wish = {},
): Promise<{ data: string; folder: string; done: Restored }> {
  const data = folder('restored')
  const key = join(data, 'key.json')
  await copyFile(join(nodeFolder, 'key.json'), key)
  const { bundle } = await keyOf(nodeFolder)
  const into = join(data, 'platform')
  const done = await restore({
    role: 'platform',
    from: places.to,
    keysFrom: places.keysTo,
    to: undefined,
    folder: into,
    keyFile: key,
    bundle,
    databaseUrl: undefined,
    keysDatabaseUrl: undefined,
    checkpoint: undefined,
    told: () => {},
    ...wish,
  })
  return { data, folder: into, done }
}

export async function drilledOf(nodeFolder: string, places: { readonly to: string; readonly keysTo: string }) {
  const { secrets } = await keyOf(nodeFolder)
  return drill({
    role: 'platform',
    from: places.to,
    keysFrom: places.keysTo,
    secrets,
    scratch: undefined,
    told: () => {},
  })
}

const both = (text: string) => ({ vi: text, en: text })

/** An app with a purpose that rests on an order, and what it keeps of people. */
export async function anApp(node: Pick<RunningNode, 'internal' | 'public' | 'serviceKey'>) {
  const khien = createKhien({ origin: node.internal, key: node.serviceKey().key, publicOrigin: node.public })
  await khien.declare({
    notice: both('Thông báo'),
    purposes: [
      {
        id: 'order-delivery',
        title: both('Giao hàng'),
        what: both('Giao hàng'),
        ground: 'agreement',
        agreement: 'order',
        fields: ['person.phone'],
        recipients: [],
      },
    ],
  })
  return appOf(khien)
}

export function appOf(khien: ReturnType<typeof createKhien>) {
  return {
    khien,
    async person(n: number): Promise<string> {
      const subject = newSubject()
      await khien.put([{ subject, collection: 'person', fields: { phone: `09${String(10_000_000 + n)}` } }])
      await khien.openAgreement({ subject, kind: 'order', ref: `DH-${n}` })
      return subject
    },
    async phone(subject: string): Promise<string | null | undefined> {
      const { items } = await khien.get({
        purpose: 'order-delivery',
        reason: 'DH-1',
        items: [{ subject, collection: 'person', fields: ['phone'] }],
      })
      const item = items[0]!
      return item.ok ? item.fields['phone'] : undefined
    },
  }
}
