import { readFileSync } from 'node:fs'
import { createKhien, KhienRefusal, type Khien } from '../../src/client/index.ts'
import { Stop } from './http.ts'
import { PROCESSING } from './processing.ts'
import type { Declared, OpenKhien } from './row.ts'

const AGAIN_MS = 500

type Place = { readonly apiOrigin: string; readonly publicOrigin: string; readonly keyFile: string }

/** Declares what the shop does with data, again and again until the node, sealed or restarting, takes it. */
export function connectKhien(
  place: Place,
  settle: (khien: Khien) => Promise<void>,
): { readonly open: OpenKhien; readonly stop: () => void } {
  let open: ReturnType<OpenKhien> | undefined
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let said = ''

  async function declare(): Promise<void> {
    try {
      const { key } = JSON.parse(readFileSync(place.keyFile, 'utf8')) as { key: string }
      const khien = createKhien({ origin: place.apiOrigin, publicOrigin: place.publicOrigin, key })
      const declared: Declared = await khien.declare(PROCESSING)
      await settle(khien)
      open = { khien, declared }
    } catch (error) {
      const why = error instanceof KhienRefusal ? error.code : 'no-key'
      if (why !== said) process.stderr.write(`${JSON.stringify({ event: 'shop.waiting', why })}\n`)
      said = why
      if (!stopped) timer = setTimeout(() => void declare(), AGAIN_MS)
    }
  }
  void declare()

  return {
    open() {
      if (!open) throw new Stop(503)
      return open
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
