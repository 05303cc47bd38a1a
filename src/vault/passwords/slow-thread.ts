import { timingSafeEqual } from 'node:crypto'
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import bcrypt from 'bcryptjs'
import { phpass } from './forms.ts'

// Hashes that only JavaScript computes, one after the other, where they hold nobody else's loop.
export type SlowTask = {
  readonly id: number
  readonly scheme: 'bcrypt' | 'phpass'
  readonly text: string
  readonly password: string
}

// On Linux a priority is the thread's own: whoever reads or signs in with a hash of ours goes first.
if (parentPort && process.platform === 'linux') setPriority(0, 10)

parentPort?.on('message', ({ id, scheme, text, password }: SlowTask) => {
  const right = scheme === 'bcrypt' ? bcrypt.compareSync(password, php(text)) : same(phpass(password, text), text)
  parentPort!.postMessage({ id, right }, [])
})

/** `2y` and `2x` are PHP's names; what PHP ≥ 5.3.7 writes as `2y` is `2b` elsewhere. */
const php = (text: string): string => text.replace(/^\$2[xy]\$/, '$2b$')
const same = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
