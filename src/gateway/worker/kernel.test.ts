import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { silentLog } from '../../kit/log.ts'
import { warnOfKernelBuffers } from './kernel.ts'

const SETTINGS: readonly (readonly [unsent: string | undefined, most: string, said: number])[] = [
  ['4294967295\n', '4096\t16384\t4194304\n', 1],
  ['131072\n', '4096\t16384\t4194304\n', 0],
  ['4294967295\n', '4096\t16384\t262144\n', 0],
  [undefined, '4096\t16384\t4194304\n', 0],
]

for (const [unsent, most, said] of SETTINGS)
  test(`tcp_notsent_lowat ${unsent?.trim()}, tcp_wmem ${most.trim()}: said ${said} times`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kernel-'))
    if (unsent !== undefined) await writeFile(join(folder, 'tcp_notsent_lowat'), unsent)
    await writeFile(join(folder, 'tcp_wmem'), most)
    const heard: string[] = []
    await warnOfKernelBuffers({ ...silentLog, warn: (event) => void heard.push(event) }, folder)
    assert.deepEqual(heard, Array(said).fill('kernel-buffers'))
    await rm(folder, { recursive: true })
  })
